#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Makes a small Debian system with systemd, and with rpm beside dpkg, in
# .cache/debian/root, once.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

root=.cache/debian/root
[[ ! -e $root/.complete || ! -e $root/usr/bin/rpm ]] || exit 0
# Debian's own machines have a mirror already.
mirror=http://deb.debian.org/debian
if [[ $(. /etc/os-release && echo "$ID") == debian ]]; then
  own=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -v security | head -n 1 || true)
  mirror=${own:-$mirror}
fi
rm -rf "$root"
mkdir -p "$root"
echo "making a Debian system in $root" >&2
if ! debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,passwd,rpm bookworm "$root" "$mirror" >.cache/debian/log 2>&1; then
  tail -n 20 .cache/debian/log >&2
  exit 1
fi
# The installer of a real one writes it.
printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
rm -rf "$root"/var/cache/apt/archives/*.deb
# What a test has no use for and would have to wait for.
for unit in systemd-logind.service systemd-timesyncd.service systemd-networkd.service systemd-resolved.service \
  e2scrub_reap.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
  console-getty.service getty.target systemd-firstboot.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
touch "$root/.complete"

#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Builds the .deb and the .rpm twice, as two versions, and takes them through
# install, upgrade, downgrade, removal and purge on a Debian system under a
# systemd of its own (systemd-nspawn): nothing is installed on this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

needs=(debootstrap debian-archive-keyring systemd-container util-linux openjdk-17-jre-headless)
[[ $(uname -s) == Linux ]] || skip "the test of the packages" "run it on Linux"
if ! command -v debootstrap >/dev/null || ! command -v systemd-nspawn >/dev/null; then
  { in_ci && install_packages "${needs[@]}"; } || skip "the test of the packages" "apt-get install ${needs[*]}"
fi
if [[ $(id -u) != 0 ]]; then
  if in_ci && command -v sudo >/dev/null; then
    exec sudo --preserve-env=CI,PATH,GOCACHE,GOMODCACHE,HOME "$PWD/scripts/test-packages.sh" "$@"
  fi
  skip "the test of the packages" "run make test-packages as root"
fi
unshare --mount --pid --fork true 2>/dev/null || skip "the test of the packages" "run it where root may make namespaces, not in a bare container"

version=$(sed -n 's/^  version: //p' builder-config.yaml)
next=$version.1
platform=linux/$(go env GOARCH)
work=.cache/packages

# How much of the kernel the unit leaves open: 0.0 nothing, 10.0 all.
threshold=15
echo "systemd-analyze security: $(systemd-analyze security --offline=true --threshold=$threshold \
  "$PWD/distribution/packages/otelcol-feedback.service" | tail -n 1 | sed 's/.*: //') (at most ${threshold:0:1}.${threshold:1})"

# The next version: another number, and other configurations.
rm -rf "$work"
mkdir -p "$work/old" "$work/new" "$work/root/distribution"
cp -R LICENSE README.md CHANGELOG.md config "$work/root/"
cp -R distribution/packages "$work/root/distribution/"
for file in "$work"/root/config/*.yaml; do echo "# next" >>"$file"; done
pack() { # pack VERSION ROOT OUT
  scripts/stage.sh "$work/stage" "$1" "$platform"
  .tools/release -version "$1" -time 1767225600 -root "$2" -stage "$work/stage" -out "$3" -archives=false "$platform"
}
pack "$version" . "$work/old"
pack "$next" "$work/root" "$work/new"

if command -v lintian >/dev/null; then
  lintian --fail-on error --suppress-tags "$(grep -v '^#' distribution/packages/lintian-suppressed | paste -sd, -)" "$work"/old/*.deb
fi

scripts/debian-root.sh || skip "a Debian system to install the packages on" "look into .cache/debian/log"
machines=$PWD/.cache/debian/machines
rm -rf "$machines"
mkdir -p "$machines"
trap 'rm -rf "$machines"' EXIT
# A machine and a Kafka for each; both mostly wait.
test_package() { # test_package FORMAT TEST
  cp -a .cache/debian/root "$machines/$1"
  export FEEDBACK_DEBIAN=$machines/$1 FEEDBACK_KAFKA_LIBS=${FEEDBACK_KAFKA_LIBS:-$PWD/.cache/kafka/libs}
  FEEDBACK_PACKAGE_OLD=$(realpath "$work"/old/*."$1") FEEDBACK_PACKAGE_NEW=$(realpath "$work"/new/*."$1")
  export FEEDBACK_PACKAGE_OLD FEEDBACK_PACKAGE_NEW
  cd testbed
  go test -count=1 -timeout 15m -tags install -run "^$2\$" ./install
}
declare -A tests
for format in deb:TestDebianPackage rpm:TestRPMPackage; do
  test_package "${format%:*}" "${format#*:}" >"$work/${format%:*}.log" 2>&1 &
  tests[${format%:*}]=$!
done
status=0
for format in deb rpm; do
  wait "${tests[$format]}" || status=$?
  cat "$work/$format.log"
done
exit "$status"

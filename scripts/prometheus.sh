#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Sees to prometheus and promtool in .cache/prometheus: those on PATH, or else
# the programs of Debian's package, unpacked there. It is not installed, which
# would start a server on port 9090.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

what="the tests of rules, alerts and dashboards"
dir=$PWD/.cache/prometheus
works() { "$dir/prometheus" --version && "$dir/promtool" --version; }

if works >/dev/null 2>&1; then exit 0; fi
rm -rf "$dir"
mkdir -p "$dir"

if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
  ln -s "$(command -v prometheus)" "$(command -v promtool)" "$dir"
else
  hint="prometheus and promtool are needed on PATH (apt-get install prometheus)"
  if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then skip "$what" "$hint"; fi
  echo "fetching Debian's package prometheus into $dir"
  cd "$dir"
  if ! apt-get download -qq prometheus >apt.log 2>&1; then
    # The lists of packages are missing or old.
    as_root=()
    if [[ $(id -u) != 0 ]]; then
      in_ci || skip "$what" "$hint"
      as_root=(sudo)
    fi
    if ! { "${as_root[@]}" apt-get update -qq && apt-get download -qq prometheus; } >apt.log 2>&1; then
      cat apt.log >&2
      skip "$what" "$hint"
    fi
  fi
  dpkg-deb --extract prometheus_*.deb unpacked
  mv unpacked/usr/bin/prometheus unpacked/usr/bin/promtool .
  rm -rf unpacked prometheus_*.deb apt.log
fi
works >/dev/null || skip "$what" "Debian's prometheus does not run here; have one on PATH"

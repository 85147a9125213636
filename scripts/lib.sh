# shellcheck shell=bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Functions that the other scripts share.

# Every go.mod stands alone.
export GOWORK=off

# in_ci tells whether nothing may be skipped.
in_ci() { [[ ${CI:-} == true ]]; }

# skip WHAT HINT says what is left out and how to have it; in CI that is an error.
skip() {
  if in_ci; then
    echo "ERROR: cannot have $1, and with CI=true nothing may be skipped: $2" >&2
    exit 1
  fi
  echo "SKIPPED: $1. To have it: $2" >&2
  exit 0
}

# install_packages PACKAGE... installs Debian packages as root, or with CI=true
# through sudo; otherwise it returns 1 and changes nothing.
install_packages() {
  local as_root=()
  command -v apt-get >/dev/null || return 1
  if [[ $(id -u) != 0 ]]; then
    in_ci && command -v sudo >/dev/null || return 1
    as_root=(sudo)
  fi
  echo "installing $*" >&2
  "${as_root[@]}" apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@" >&2
}

# java_ok tells whether there is a Java that runs Apache Kafka (17 and above).
java_ok() {
  local version
  version=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
  [[ -n $version && $version -ge 17 ]]
}

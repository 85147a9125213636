#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Fails unless TAG is the version of builder-config.yaml, and CHANGELOG.md has
# a section for it.
#
# usage: check-version.sh vX.Y.Z
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^  version: //p' builder-config.yaml)
if [[ $1 != "v$version" ]]; then
  echo "ERROR: the tag is $1, builder-config.yaml says $version" >&2
  exit 1
fi
if ! grep -qE "^## \[?$version\]?( |$)" CHANGELOG.md; then
  echo "ERROR: CHANGELOG.md has no section $version" >&2
  exit 1
fi

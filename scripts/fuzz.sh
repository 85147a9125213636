#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Runs every fuzz test of the modules named, one after the other, each for
# FUZZTIME.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
root=$PWD
output=$(mktemp)
trap 'rm -f "$output"' EXIT

# only_the_deadline tells whether a run failed for the end of its own time and
# nothing else: Go before 1.27 sometimes calls that a failure
# (https://go.dev/issue/75804). A find names the input that it wrote.
only_the_deadline() {
  grep -qx '    context deadline exceeded' "$output" &&
    ! grep -qE 'Failing input|panic:|_test\.go:[0-9]+:|hung or terminated' "$output"
}

# fuzz NAME DIRECTORY
fuzz() {
  echo "== $1 for ${FUZZTIME:-30s} in ${2#"$root"/}"
  go test -run '^$' -fuzz "^$1\$" -fuzztime "${FUZZTIME:-30s}" "$2" 2>&1 | tee "$output" && return
  only_the_deadline || return 1
  echo "time was up, nothing was found"
}

for module in "$@"; do
  cd "$root/$module"
  # Nested modules are skipped: "go list" does not descend into them.
  for dir in $(go list -f '{{.Dir}}' ./...); do
    for name in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$dir"/*_test.go 2>/dev/null); do
      fuzz "$name" "$dir"
    done
  done
done

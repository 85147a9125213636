#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Runs every fuzz test of the modules named, one after the other, each for
# FUZZTIME.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
root=$PWD

for module in "$@"; do
  cd "$root/$module"
  # Nested modules are skipped: "go list" does not descend into them.
  for dir in $(go list -f '{{.Dir}}' ./...); do
    for name in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$dir"/*_test.go 2>/dev/null); do
      echo "== $name for ${FUZZTIME:-10s} in ${dir#"$root"/}"
      go test -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-10s}" "$dir"
    done
  done
done

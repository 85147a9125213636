#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Runs the benchmarks of the modules named; keeps this run and the one before
# in .cache/bench for benchstat.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
root=$PWD
out=$root/.cache/bench

mkdir -p "$out"
run=$(mktemp)
trap 'rm -f "$run"' EXIT
for module in "$@"; do
  cd "$root/$module"
  packages=()
  for dir in $(go list -f '{{.Dir}}' ./...); do
    if grep -qs '^func Benchmark' "$dir"/*_test.go; then
      packages+=("$dir")
    fi
  done
  if ((${#packages[@]})); then
    go test -run '^$' -bench "${BENCH:-.}" -benchmem -benchtime "${BENCHTIME:-1s}" \
      -count "${COUNT:-1}" -timeout 30m "${packages[@]}" | tee -a "$run"
  fi
done
[[ -f $out/latest.txt ]] && mv "$out/latest.txt" "$out/previous.txt"
cp "$run" "$out/latest.txt"

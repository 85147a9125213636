#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Measures where the collector spends its time under each kind of load, and writes
# distribution/otelcol-feedback/default.pgo, by which the compiler lays out the
# binary that is shipped (https://go.dev/doc/pgo).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

out=$PWD/.cache/profile
rm -rf "$out"
mkdir -p "$out"
(cd distribution/otelcol-feedback && CGO_ENABLED=0 go build -tags profile -trimpath -buildvcs=false -o "$out/otelcol-feedback" .)
export BENCH=profile BENCH_OUT=$out BENCH_SECONDS="${SECONDS_EACH:-}"
export FEEDBACK_BIN=$out/otelcol-feedback FEEDBACK_KAFKA_LIBS=$PWD/.cache/kafka/libs
(cd testbed && go test -count=1 -timeout 20m -v -run '^TestProfile$' ./bench)
# The names in a profile are those of functions; files and the binary are not needed.
go tool pprof -proto "$out"/profile-*.pprof >distribution/otelcol-feedback/default.pgo

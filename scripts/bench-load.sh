#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Measures the built binary on one Apache Kafka node (testbed/bench) and writes
# what it sees to docs/performance.md.
#   bench-load.sh peers    beside a stock collector and the least that could do
#   bench-load.sh load     rates, times, memory, and what an event costs when
#                          its surroundings grow (LOAD=regexp picks, writes nothing)
#   bench-load.sh soak     30 minutes of steady load (SOAK=5m)
# SECONDS_EACH and ROUNDS shorten; GOALS=1 fails if a goal is missed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

what=${1:?peers, load or soak}
export BENCH=$what
export BENCH_OUT="$PWD/.cache/bench" BENCH_SECONDS="${SECONDS_EACH:-}" BENCH_ROUNDS="${ROUNDS:-}" BENCH_GOALS="${GOALS:-}"
export FEEDBACK_BIN="$PWD/bin/otelcol-feedback" FEEDBACK_KAFKA_LIBS="$PWD/.cache/kafka/libs"
mkdir -p "$BENCH_OUT"
rm -f "$BENCH_OUT/$what.json"

tests='^TestPeers$'
case $what in
load)
  tests='^(TestLoad|TestCurves)$'
  [[ -z ${LOAD:-} ]] || tests="$tests/$LOAD"
  # What needs no process of its own: the way of an event through the pipeline.
  [[ -n ${LOAD:-} ]] || go test -count=1 -v -run '^TestFigures$' ./internal/wholepath
  ;;
soak) tests='^TestSoak$' ;;
esac
[[ -n ${LOAD:-} ]] || export BENCH_PAGE="$PWD/docs/performance.md"
(cd testbed && go test -count=1 -timeout 3h -v -run "$tests" ./bench)

#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Tests the rules, alerts and dashboards with a Prometheus that scrapes the built
# binary (testbed/observability). With --once it is not repeated if it has passed
# with exactly the same binary, configuration and tests. FEEDBACK_IMAGES=folder
# has the dashboards drawn.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

export FEEDBACK_KAFKA_LIBS="$PWD/.cache/kafka/libs"
export FEEDBACK_BIN="$PWD/bin/otelcol-feedback"
export FEEDBACK_PROMETHEUS="$PWD/.cache/prometheus"

inputs=$(
  find bin/otelcol-feedback config/collector.yaml distribution/observability testbed scripts/test-observability.sh -type f -print0 |
    sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
)
passed=.cache/passed/observability-$inputs

if [[ ${1:-} == --once && -e $passed ]]; then
  echo "ok  	testbed/observability	(passed before with the same binary, configurations and tests)"
  exit 0
fi
rm -f .cache/passed/observability-*
export FEEDBACK_SUMMARY="$PWD/.cache/prometheus/summary.txt"
rm -f "$FEEDBACK_SUMMARY"
status=0
(cd testbed && go test -count=1 -timeout 30m ./observability) || status=$?
if [[ -e $FEEDBACK_SUMMARY ]]; then cat "$FEEDBACK_SUMMARY"; fi
((status == 0)) || exit "$status"
if java_ok && [[ -x $FEEDBACK_PROMETHEUS/prometheus ]]; then
  mkdir -p .cache/passed
  touch "$passed"
fi

#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Runs the tests of the built binary on Apache Kafka (the module testbed).
# With --once they are not repeated if they have passed with exactly the same
# binaries, configurations and tests: "make verify" after "make test".
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

export FEEDBACK_KAFKA_LIBS="$PWD/.cache/kafka/libs"
export FEEDBACK_BIN="$PWD/bin/otelcol-feedback"
export FEEDBACK_CTL="$PWD/bin/feedbackctl"

inputs=$({
  cat .cache/kafka/pom.sha256 2>/dev/null || true
  find bin/otelcol-feedback bin/feedbackctl config distribution/schema testbed docs examples README.md scripts/test-kafka.sh -type f -print0 |
    sort -z | xargs -0 sha256sum
} | sha256sum | cut -d' ' -f1)
passed=.cache/passed/kafka-$inputs

if [[ ${1:-} == --once && -e $passed ]]; then
  echo "ok  	testbed	(passed before with the same binaries, configurations and tests)"
  exit 0
fi
rm -f .cache/passed/kafka-*
export FEEDBACK_SUMMARY="$PWD/.cache/kafka/summary.txt"
rm -f "$FEEDBACK_SUMMARY"
# Faults, attacks and alerts have targets of their own.
(cd testbed && go list ./... | grep -vE '/testbed/(faults|hostile|observability)$' | xargs go test -count=1 -timeout 15m)
if [[ -e $FEEDBACK_SUMMARY ]]; then cat "$FEEDBACK_SUMMARY"; fi
if java_ok; then
  mkdir -p .cache/passed
  touch "$passed"
fi

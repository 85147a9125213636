#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Runs the table of faults (testbed/faults) on three Apache Kafka brokers.
#   test-faults.sh short    each row in seconds, the modes share 1,000 events/s
#   test-faults.sh long     each row as docs/faults.md says it, 1,000 events/s in
#                           each mode, on two versions of Kafka; writes the table
#                           to that page
#   test-faults.sh costs    no faults: what the modes cost; docs/delivery.md
# With --once after "short" it is not repeated if it has passed with exactly the
# same binaries, configurations and tests. FAULTS=regexp picks rows.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

form=${1:?short or long}
rows=${FAULTS:-.}
export FEEDBACK_BIN="$PWD/bin/otelcol-feedback"
export FEEDBACK_CTL="$PWD/bin/feedbackctl"
export FEEDBACK_FAULTS_KEEP="$PWD/.cache/faults"

# run KAFKA_DIRECTORY TIMEOUT runs the table on the Kafka whose jars are there.
run() {
  export FEEDBACK_KAFKA_LIBS="$PWD/$1/libs" FEEDBACK_FAULTS_TABLE="$PWD/$1/faults.md"
  rm -rf "$FEEDBACK_FAULTS_TABLE" "$FEEDBACK_FAULTS_KEEP"
  local status=0
  (cd testbed && CHAOS=$form go test -count=1 -timeout "$2" -run "${3:-^TestFault\$/$rows}" ./faults) || status=$?
  if [[ -e $FEEDBACK_FAULTS_TABLE ]]; then cat "$FEEDBACK_FAULTS_TABLE"; fi
  return $status
}

# publish PAGE TABLE... writes the tables into the page, between its marks.
publish() {
  local page=$1 text
  shift
  text=$(awk '/<!-- end of table -->/ {skip = 0} !skip {print}
    /<!-- table -->/ {skip = 1; for (i = 2; i < ARGC; i++) {while ((getline line < ARGV[i]) > 0) print line; if (i < ARGC - 1) print ""}; ARGC = 2}' \
    "$page" "$@")
  printf '%s\n' "$text" >"$page"
}

if [[ $form == long ]]; then
  status=0
  run .cache/kafka 3h || status=$?
  run .cache/kafka-3.9 3h || status=$?
  ((status != 0)) || [[ $rows != . ]] || publish docs/faults.md .cache/kafka/faults.md .cache/kafka-3.9/faults.md
  exit $status
fi

if [[ $form == costs ]]; then
  run .cache/kafka 30m '^TestCosts$'
  publish docs/delivery.md .cache/kafka/faults.md
  exit
fi

inputs=$({
  echo "$rows"
  cat .cache/kafka/pom.sha256 2>/dev/null || true
  find bin/otelcol-feedback bin/feedbackctl config testbed scripts/test-faults.sh -type f -print0 |
    sort -z | xargs -0 sha256sum
} | sha256sum | cut -d' ' -f1)
passed=.cache/passed/faults-$inputs
if [[ ${2:-} == --once && -e $passed ]]; then
  echo "ok  	testbed/faults	(passed before with the same binaries, configurations and tests)"
  exit 0
fi
run .cache/kafka 20m
if java_ok; then
  mkdir -p .cache/passed
  rm -f .cache/passed/faults-*
  touch "$passed"
fi

#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Attacks the built binary (testbed/hostile). With --once it is not repeated if
# it has passed with exactly the same binary, configuration and tests.
set -euo pipefail
cd "$(dirname "$0")/.."

export FEEDBACK_BIN="$PWD/bin/otelcol-feedback"

inputs=$(
  find bin/otelcol-feedback config/collector.yaml config/sidecar.yaml config/quickstart.yaml testbed scripts/test-hostile.sh -type f -print0 |
    sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
)
passed=.cache/passed/hostile-$inputs

if [[ ${1:-} == --once && -e $passed ]]; then
  echo "ok  	testbed/hostile	(passed before with the same binary, configurations and tests)"
  exit 0
fi
rm -f .cache/passed/hostile-*
(cd testbed && go test -count=1 -timeout 15m ./hostile)
mkdir -p .cache/passed
touch "$passed"

#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Fails if a test file sleeps without using testing/synctest: a real sleep is no
# synchronisation, only a slow test that fails now and then. Wait for a channel,
# or with require.Eventually around real I/O. A sleep that is meant, as the pace
# of a benchmark, has its reason on its line.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0
while IFS= read -r -d '' file; do
  [[ -f $file ]] || continue
  grep -q '"testing/synctest"' "$file" && continue
  if grep -Hn 'time\.Sleep([^/]*$' "$file" >&2; then
    status=1
  fi
done < <(git ls-files -z --cached --others --exclude-standard '*_test.go')
((status == 0)) || echo "ERROR: these tests sleep outside testing/synctest" >&2
exit $status

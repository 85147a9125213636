#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Measures Presidio's pattern recognisers on the hard set, beside our engine and
# four regular expressions. Presidio is installed into .cache.
set -euo pipefail
cd "$(dirname "$0")/.."

VERSION=2.2.366
env=.cache/presidio
mkdir -p .cache
if ! "$env/bin/python" -c 'import presidio_analyzer' 2>/dev/null ||
  [[ $(cat "$env/version" 2>/dev/null) != "$VERSION" ]]; then
  rm -rf "$env"
  python3 -m venv "$env"
  "$env/bin/pip" install --quiet --disable-pip-version-check "presidio-analyzer==$VERSION"
  echo "$VERSION" >"$env/version"
fi

go run ./internal/piieval/cmd/pii-eval -write "$env/hard.jsonl"
"$env/bin/python" internal/piieval/presidio.py "$env/hard.jsonl" "$env/findings.jsonl"
go run ./internal/piieval/cmd/pii-eval -regexes -findings "$env/findings.jsonl" -name "Presidio $VERSION"

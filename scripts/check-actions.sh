#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Fails if a workflow uses an action that is not pinned by its commit, with the
# version as a comment, or if a workflow does not say its permissions.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0
for file in .github/workflows/*.yml; do
  if unpinned=$(grep -nE '^[[:space:]-]*uses:' "$file" | grep -vE 'uses: [A-Za-z0-9_./-]+@[0-9a-f]{40} # v[0-9]'); then
    echo "$file: not pinned by commit and version:" >&2
    echo "$unpinned" >&2
    status=1
  fi
  if ! grep -q '^permissions:' "$file"; then
    echo "$file: says no permissions" >&2
    status=1
  fi
done
exit $status

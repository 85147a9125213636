#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Fails if "make generate" would change a file. It generates in a copy of the
# tree, so that uncommitted work neither counts as drift nor is touched.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
# One fixed place, so that Go's build cache knows its packages the next time.
copy=$root/.cache/drift

rm -rf "$copy"
mkdir -p "$copy"
trap 'rm -rf "$copy"' EXIT
# Tracked and new files; a deleted one is still listed, but is not there.
git ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' file; do
    if [[ -e $file ]]; then printf '%s\0' "$file"; fi
  done |
  tar --null --files-from=- --create --file=- |
  tar --extract --file=- --directory="$copy"

cd "$copy"
# A repository of its own holds the state before, to compare with.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
git init --quiet .
git add --all --force .

log=$root/.cache/drift.log
if ! make generate TOOLS="${TOOLS:-$root/.tools}" >"$log" 2>&1; then
  cat "$log" >&2
  echo "ERROR: make generate failed" >&2
  exit 1
fi

git add --all --force --intent-to-add .
if ! git --no-pager diff --exit-code --stat --patch; then
  echo "ERROR: generated code is out of date: run \"make generate\" and commit what it changes" >&2
  exit 1
fi
echo "generated code is up to date"

#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Fails if a source file lacks its licence header. Arguments: the files to look
# at; none means all that are tracked or new.
set -euo pipefail
cd "$(dirname "$0")/.."

if (($# == 0)); then
  mapfile -d '' -t files < <(git ls-files -z --cached --others --exclude-standard)
else
  files=("$@")
fi

status=0
for file in "${files[@]}"; do
  [[ -f $file ]] || continue
  case $file in
    */testdata/* | distribution/otelcol-feedback/go.*) continue ;;
    *.go | *.proto | *.sh | *.yaml | *.yml | *.py | *.ts | *.js | *.css) ;;
    */pom.xml | Makefile | */Makefile | Dockerfile | .githooks/* | .ci/*) ;;
    *) continue ;;
  esac
  head=$(head -n 12 "$file")
  # Generated files belong to their generator.
  [[ $head == *"Code generated"*"DO NOT EDIT"* ]] && continue
  if [[ $head != *"Copyright The otelcol-feedback Authors"*"SPDX-License-Identifier: Apache-2.0"* ]]; then
    echo "$file: no licence header" >&2
    status=1
  fi
done
exit $status

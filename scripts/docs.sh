#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Builds the documentation as a site in .cache/docs/site. A link that leads
# nowhere, or a page without a place, is an error. What builds it is installed
# into .cache/docs/venv, pinned with hashes.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

tools=internal/tools/docs
venv=.cache/docs/venv
pinned=$(sha256sum <$tools/requirements.txt | cut -d' ' -f1)
if [[ $(cat $venv/pinned 2>/dev/null) != "$pinned" ]]; then
  rm -rf $venv
  mkdir -p .cache/docs
  if ! python3 -m venv $venv 2>/dev/null; then
    rm -rf $venv
    install_packages python3 python3-venv || skip "the documentation site, which needs Python 3 with venv" "apt-get install python3-venv"
    python3 -m venv $venv
  fi
  $venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $tools/requirements.txt ||
    skip "the documentation site, whose tools could not be installed" "reach a Python package index"
  echo "$pinned" >$venv/pinned
fi
# Its makers advertise a successor in each run.
export NO_MKDOCS_2_WARNING=1
# Not --quiet: it would hide warnings from --strict.
if ! $venv/bin/mkdocs build --strict --config-file $tools/mkdocs.yaml >.cache/docs/log 2>&1; then
  cat .cache/docs/log >&2
  exit 1
fi
echo "the site is in .cache/docs/site: open index.html"

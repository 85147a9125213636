#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Builds the documentation site and looks at it: nothing in it comes from
# elsewhere, and Chromium shows its pages in both themes, at a desktop's and a
# phone's width, without an error. FEEDBACK_IMAGES=folder keeps the pictures.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

scripts/docs.sh
site=$PWD/.cache/docs/site
[[ -e $site/index.html ]] || exit 0 # skipped, and said so

# What a browser would fetch by itself; links that a reader may follow do not count.
if grep -rnoE --include='*.html' '<(script|img|iframe|source|video|audio)[^>]* src="?(https?:)?//[^ ">]*' "$site" ||
  grep -rnoE --include='*.html' '<link[^>]*rel="?(stylesheet|preload|preconnect|icon|manifest)[^>]*href="?(https?:)?//[^ ">]*' "$site" ||
  grep -rnoE --include='*.css' '(url\(|@import )["'\'']?(https?:)?//[^)]*' "$site"; then
  echo "ERROR: the site fetches something from elsewhere" >&2
  exit 1
fi

find_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
if ! chromium=$(find_browser); then
  { install_packages chromium && chromium=$(find_browser); } || skip "a look at the site" "apt-get install chromium"
fi
images=${FEEDBACK_IMAGES:-$(mktemp -d)}
mkdir -p "$images"
work=$(mktemp -d)
# The search loads its index with a request, which a page from a file may not make.
python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$site" >"$work/server" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"; [[ -n ${FEEDBACK_IMAGES:-} ]] || rm -rf "$images"' EXIT

until port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' "$work/server") && [[ -n $port ]]; do
  kill -0 $server || { cat "$work/server" >&2; exit 1; }
done

# look NAME PAGE THEME WIDTH: theme 1 is light and 0 dark, as Chromium counts.
# Each look has a profile of its own: the site remembers the theme of the first.
look() {
  local name=$1 page=$2 theme=$3 width=$4 scheme=default
  [[ $theme == 1 ]] || scheme=slate
  local browser=(timeout 90 "$chromium" --headless=new --no-sandbox --disable-gpu --user-data-dir="$work/$name"
    --blink-settings=preferredColorScheme="$theme" --hide-scrollbars --enable-logging=stderr --v=0
    --host-resolver-rules='MAP * ~NOTFOUND, EXCLUDE 127.0.0.1' --virtual-time-budget=3000)
  "${browser[@]}" --window-size="$width",1400 --screenshot="$images/$name.png" "http://127.0.0.1:$port/$page" 2>"$work/log" ||
    { cat "$work/log" >&2; echo "ERROR: Chromium did not show $page" >&2; exit 1; }
  [[ -s $images/$name.png ]] || { echo "ERROR: no picture of $page" >&2; exit 1; }
  if grep -E 'CONSOLE.*(Error|error|Failed|Refused)' "$work/log"; then
    echo "ERROR: $page does not run cleanly" >&2
    exit 1
  fi
  if [[ $width -gt 1000 ]]; then
    "${browser[@]}" --dump-dom "http://127.0.0.1:$port/$page" >"$work/dom" 2>/dev/null
    grep -q "<body[^>]*data-md-color-scheme=\"$scheme\"" "$work/dom" ||
      { echo "ERROR: $page does not follow the reader's theme ($scheme)" >&2; exit 1; }
    grep -q '<h1' "$work/dom" || { echo "ERROR: $page has no heading" >&2; exit 1; }
  fi
}

for page in index getting-started reference/feedbackkafka; do
  name=${page//\//-}
  for theme in light:1 dark:0; do
    look "$name-${theme%:*}-desktop" "$page.html" "${theme#*:}" 1360
    look "$name-${theme%:*}-phone" "$page.html" "${theme#*:}" 500
  done
done
echo "the site builds, fetches nothing and shows: $(find "$images" -name '*.png' | wc -l) pictures"

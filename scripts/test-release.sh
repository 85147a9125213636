#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Looks into what make release-snapshot has made in bin/release: every file is
# there, the checksums hold, what can run here runs, and made once more it has
# the same bytes.
#
# usage: test-release.sh VERSION
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

version=$1 release=$PWD/bin/release
passed=0
ok() {
  echo "--- PASS: $1"
  passed=$((passed + 1))
}
fail() {
  echo "--- FAIL: $1" >&2
  exit 1
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

(cd "$release" && sha256sum --check --quiet SHA256SUMS) || fail "checksums"
listed=$(wc -l <"$release/SHA256SUMS")
[[ $listed == $(find "$release" -type f ! -name SHA256SUMS | wc -l) ]] || fail "a file without a checksum"
ok "checksums of $listed files"

# contents FILE FOLDER unpacks an archive.
contents() {
  mkdir -p "$2"
  case $1 in
    *.zip) (cd "$2" && python3 -m zipfile -e "$1" .) ;;
    *) tar -xzf "$1" -C "$2" ;;
  esac
}
for platform in $PLATFORMS; do
  system=${platform%/*} arch=${platform#*/} suffix='' extension=tar.gz
  if [[ $system == windows ]]; then suffix=.exe extension=zip; fi
  name=otelcol-feedback_${version}_${system}_$arch
  [[ -f $release/$name.$extension ]] || fail "$name.$extension is missing"
  contents "$release/$name.$extension" "$scratch/$system-$arch"
  folder=$scratch/$system-$arch/$name
  wanted=("otelcol-feedback$suffix" "feedbackctl$suffix" LICENSE THIRD_PARTY_LICENSES README.md CHANGELOG.md
    "sbom/otelcol-feedback$suffix.cdx.json" "sbom/feedbackctl$suffix.cdx.json"
    completions/feedbackctl.bash completions/_feedbackctl completions/feedbackctl.fish)
  [[ $system == windows ]] || wanted+=(man/feedbackctl.1 man/feedbackctl-send.1 man/otelcol-feedback.8)
  while read -r file; do wanted+=("$file"); done < <(find config -name '*.yaml')
  for file in "${wanted[@]}"; do
    [[ -s $folder/$file ]] || fail "$name: $file is missing"
  done
  # What the linker wrote down.
  for binary in otelcol-feedback feedbackctl; do
    built=$(go version -m "$folder/$binary$suffix")
    [[ $built == *"GOOS=$system"* && $built == *"GOARCH=$arch"* && $built == *"CGO_ENABLED=0"* && $built == *"-trimpath=true"* ]] ||
      fail "$name: $binary was not built for it"
  done
  if grep -qF "$PWD" "$folder/feedbackctl$suffix"; then fail "$name: a path of this machine is in it"; fi
  ok "$name.$extension: ${#wanted[@]} files"
  if [[ $system == linux ]]; then
    [[ -f $release/otelcol-feedback_${version}-1_$arch.deb ]] || fail "no .deb for $arch"
    [[ -n $(find "$release" -name "otelcol-feedback-$version-1.*.rpm") ]] || fail "no .rpm for $arch"
  fi
done

here=$scratch/$(go env GOOS)-$(go env GOARCH)/otelcol-feedback_${version}_$(go env GOOS)_$(go env GOARCH)
if [[ -d $here ]]; then
  [[ $("$here/otelcol-feedback" --version) == "otelcol-feedback version $version" ]] || fail "--version"
  [[ $("$here/feedbackctl" version) == "feedbackctl $version "* ]] || fail "feedbackctl version"
  for config in collector durable quickstart; do
    "$here/otelcol-feedback" validate --config "$here/config/$config.yaml" || fail "validate $config.yaml"
  done
  ok "the binaries of this platform run"
fi

# Another folder, and this platform compiled anew: the same bytes.
own=$(go env GOOS)/$(go env GOARCH)
git_free=$scratch/source
mkdir -p "$git_free"
tar -c --exclude=./.git --exclude=./.cache --exclude=./bin --exclude=./data . | tar -x -C "$git_free"
(cd "$git_free" && scripts/stage.sh stage "$version" "$own" 2>/dev/null)
diff -rq "$git_free/stage/${own/\//-}" "bin/stage/${own/\//-}" || fail "compiled in another folder, it differs"
"$git_free/.tools/release" -version "$version" -time "$SOURCE_DATE" -root "$git_free" -stage "$git_free/stage" -out "$scratch/again" "$own"
for file in "$scratch/again"/otelcol*; do
  cmp "$file" "$release/${file##*/}" || fail "${file##*/}: other bytes"
done
ok "made again in another folder: the same bytes ($(find "$scratch/again" -name 'otelcol*' | wc -l) files)"
echo "ok  	release ($passed passed, $(du -sh "$release" | cut -f1))"

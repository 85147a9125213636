#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Builds what a release is made of into FOLDER: for each platform OS-ARCH/ with
# both binaries, their bills of materials and licences; share/ with manual pages
# and completions. internal/tools/release packs it.
#
# usage: stage.sh FOLDER VERSION OS/ARCH...
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

stage=$(realpath -m "$1") version=$2
shift 2
rm -rf "$stage"
mkdir -p "$stage/share/completions" "$stage/share/man"

build() { # build FOLDER OUTPUT LDFLAGS
  (cd "$1" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w $3" -o "$2" .)
}

for platform in "$@"; do
  folder=$stage/${platform/\//-}
  suffix=
  [[ $platform != windows/* ]] || suffix=.exe
  echo "building for $platform" >&2
  (
    export GOOS=${platform%/*} GOARCH=${platform#*/}
    build distribution/otelcol-feedback "$folder/otelcol-feedback$suffix" ""
    build cmd/feedbackctl "$folder/feedbackctl$suffix" "-X main.version=$version"
    # Other systems link other modules.
    .tools/inventory -version "$version" -sbom "$folder/sbom" -notices "$folder/THIRD_PARTY_LICENSES" \
      "$folder/otelcol-feedback$suffix=distribution/otelcol-feedback" "$folder/feedbackctl$suffix=cmd/feedbackctl"
  )
done

build cmd/feedbackctl "$stage/share/feedbackctl" "-X main.version=$version"
# Without variables: some are the default of a flag.
feedbackctl() { env -i "$stage/share/feedbackctl" "$@"; }
feedbackctl man "$stage/share/man"
cp distribution/packages/otelcol-feedback.8 "$stage/share/man/"
feedbackctl completion bash >"$stage/share/completions/feedbackctl.bash"
feedbackctl completion zsh >"$stage/share/completions/_feedbackctl"
feedbackctl completion fish >"$stage/share/completions/feedbackctl.fish"
rm "$stage/share/feedbackctl"

#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Builds the container image's final stage from ready binaries with buildah,
# which needs neither a daemon nor a base image, and runs what is in it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

if ! command -v buildah >/dev/null && ! { in_ci && install_packages buildah; }; then
  skip "the container image's test" "apt-get install buildah"
fi

# Without privileges all of this would need a user namespace around it.
if [[ $(id -u) != 0 ]]; then
  if in_ci && command -v sudo >/dev/null; then
    exec sudo --preserve-env=CI "$PWD/testbed/container_test.sh"
  fi
  skip "the container image's test" "run make test-container as root"
fi

# A store of its own: images that are on this machine are no business of a test.
store=$PWD/.cache/buildah
container=
buildah() {
  command buildah --storage-driver vfs --root "$store/root" --runroot "$store/run" "$@"
}
finish() {
  [[ -z $container ]] || buildah rm "$container" >/dev/null 2>&1 || true
  rm -rf "$store"
}
trap finish EXIT
rm -rf "$store"
mkdir -p "$store"

passed=0
check() { # check NAME EXPECTED ACTUAL
  if [[ $2 != "$3" ]]; then
    printf -- '--- FAIL: %s: expected %q, got %q\n' "$1" "$2" "$3" >&2
    exit 1
  fi
  echo "--- PASS: $1"
  passed=$((passed + 1))
}

image=localhost/otelcol-feedback:test
version=$(sed -n 's/^  version: //p' builder-config.yaml)
# Docker's format: OCI's has no health check.
if ! buildah bud --isolation chroot --format docker --build-arg FILES=prebuilt --build-arg VERSION="$version" \
  --build-arg REVISION=0123abc --build-arg CREATED=2026-01-02T03:04:05Z --tag "$image" . >"$store/log" 2>&1; then
  cat "$store/log" >&2
  exit 1
fi

config() { buildah inspect --type image --format "{{$1}}" "$image"; }
check "not root" 65532:65532 "$(config .OCIv1.Config.User)"
check "entrypoint" "[/usr/bin/otelcol-feedback]" "$(config .OCIv1.Config.Entrypoint)"
check "default configuration" "[--config /etc/otelcol-feedback/collector.yaml]" "$(config .OCIv1.Config.Cmd)"
check "health check" "[CMD /usr/bin/feedbackctl healthcheck]" "$(config .Docker.Config.Healthcheck.Test)"
listens=$(config 'range .OCIv1.Config.Env}}{{println .}}{{end' | grep -cE '^COLLECTOR_(HTTP__ENDPOINT|GRPC__ENDPOINT|OTLP__(GRPC|HTTP)_ENDPOINT|TELEMETRY__METRICS_HOST)=0\.0\.0\.0(:|$)')
check "listens on all addresses" 5 "$listens"
check "volume" "map[/var/lib/otelcol-feedback:{}]" "$(config .OCIv1.Config.Volumes)"
label() { config "index .OCIv1.Config.Labels \"org.opencontainers.image.$1\""; }
check "licence label" Apache-2.0 "$(label licenses)"
check "version label" "$version" "$(label version)"
check "revision label" 0123abc "$(label revision)"
check "created label" 2026-01-02T03:04:05Z "$(label created)"
check "source label" https://github.com/otelcol-feedback/otelcol-feedback "$(label source)"

container=$(buildah from "$image")
mount=$(buildah mount "$container")
# As the image's own user, with the image's variables, and with /proc as in any
# container: the memory limiter reads it.
inside() { buildah run --isolation chroot "$container" -- "$@"; }

check "no shell" no "$([[ -e $mount/bin/sh || -e $mount/usr/bin/sh ]] && echo yes || echo no)"
check "version" "otelcol-feedback version $version" "$(inside /usr/bin/otelcol-feedback --version)"
check "owner of the data directory" 65532:65532 "$(stat -c %u:%g "$mount/var/lib/otelcol-feedback")"
check "certificate authorities" yes "$(grep -q 'BEGIN CERTIFICATE' "$mount/etc/ssl/certs/ca-certificates.crt" && echo yes)"
check "licences of what is in it" yes "$(grep -q '^go.opentelemetry.io/collector/service@' "$mount/usr/share/licenses/otelcol-feedback/THIRD_PARTY_LICENSES" && echo yes)"
check "bills of materials" "feedbackctl.cdx.json otelcol-feedback.cdx.json" "$(ls "$mount/usr/share/sbom" | xargs)"
check "feedbackctl" 0 "$(inside /usr/bin/feedbackctl --help >/dev/null 2>&1; echo $?)"
# Every file of config/ is validated with the binary's other tests.
for name in collector quickstart; do
  check "validate $name.yaml" "" \
    "$(inside /usr/bin/otelcol-feedback validate --config "/etc/otelcol-feedback/$name.yaml" 2>&1)"
done

# Started, fed and read from Kafka, with nothing but the volume to write to.
export FEEDBACK_IMAGE=$mount FEEDBACK_KAFKA_LIBS=${FEEDBACK_KAFKA_LIBS:-$PWD/.cache/kafka/libs}
(cd testbed && GOWORK=off go test -count=1 -timeout 9m -tags install -run TestImage ./install)
passed=$((passed + 1))

echo "ok  	container image ($passed passed, $(du -sh "$mount" | cut -f1))"

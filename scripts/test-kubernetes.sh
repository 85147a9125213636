#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Tests the Helm chart. "helm" is quick: lint, golden files, strict decoding, the
# configurations in the built binary. "kubernetes" applies everything to a real
# kube-apiserver, and scales a pod with a full spool down. With --once neither is
# repeated if it has passed with exactly the same inputs.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

what=$1
export FEEDBACK_HELM="$PWD/.tools/helm"
export FEEDBACK_BIN="$PWD/bin/otelcol-feedback"
export FEEDBACK_CTL="$PWD/bin/feedbackctl"
export FEEDBACK_CRDS="$PWD/.cache/kubernetes/crds"
export FEEDBACK_KAFKA_LIBS="$PWD/.cache/kafka/libs"
export TEST_ASSET_KUBE_APISERVER="$PWD/.tools/kube-apiserver"
export TEST_ASSET_ETCD="$PWD/.tools/etcd"

inputs=$(
  find bin/otelcol-feedback bin/feedbackctl config distribution/kubernetes distribution/observability/prometheus \
    testbed/collector testbed/kafka testbed/topic builder-config.yaml internal/tools/helm internal/tools/kubernetes \
    scripts/test-kubernetes.sh scripts/kubernetes-crds.sh -type f -print0 |
    sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
)
passed=.cache/passed/$what-$inputs

if [[ ${2:-} == --once && -e $passed ]]; then
  echo "ok  	distribution/kubernetes/test	($what passed before with the same inputs)"
  exit 0
fi
rm -f ".cache/passed/$what"-*
case $what in
  helm) packages=(. ./valuestable) ;;
  kubernetes) packages=(./apiserver ./scaledown) ;;
esac
(cd distribution/kubernetes/test && go test -count=1 -timeout 15m "${packages[@]}")
if [[ $what == helm ]] || java_ok; then
  mkdir -p .cache/passed
  touch "$passed"
fi

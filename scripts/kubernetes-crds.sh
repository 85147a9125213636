#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Puts the definitions of the custom resources that the chart renders into
# .cache/kubernetes/crds: from the Go modules of prometheus-operator and KEDA, whose
# checksums Go verifies.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

crds=.cache/kubernetes/crds
operator=github.com/prometheus-operator/prometheus-operator@v0.85.0
keda=github.com/kedacore/keda/v2@v2.16.1
stamp=$crds/.of-${operator##*@}-${keda##*@}
[[ -e $stamp ]] && exit 0

folder() { go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",\?$/\1/p'; }
if ! from_operator=$(cd /tmp && folder "$operator") || ! from_keda=$(cd /tmp && folder "$keda"); then
  skip "definitions of custom resources" "a Go module proxy within reach"
fi
rm -rf "$crds"
mkdir -p "$crds"
for kind in servicemonitors podmonitors prometheusrules; do
  install -m 0644 "$from_operator/example/prometheus-operator-crd/monitoring.coreos.com_$kind.yaml" "$crds/"
done
install -m 0644 "$from_keda/config/crd/bases/keda.sh_scaledobjects.yaml" "$crds/"
touch "$stamp"

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package scaledown ends a pod that has a full spool as the kubelet would: the
// chart's configuration, preStop hook and grace, the built binary, Apache Kafka.
package scaledown // import "github.com/otelcol-feedback/otelcol-feedback/distribution/kubernetes/test/scaledown"

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package kubernetes tests the Helm chart and the manifests rendered from it. It is
// a module of its own, so that Kubernetes' modules stay out of the others.
package kubernetes // import "github.com/otelcol-feedback/otelcol-feedback/distribution/kubernetes/test"

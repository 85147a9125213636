// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:generate mdatagen metadata.yaml

// Package partitionkeyprocessor gives each feedback event the key under which
// Kafka keeps its order.
package partitionkeyprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/partitionkeyprocessor"

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package feedback is the event model: the schema table of the five event
// types and what is derived from it.
//
// An event walks through the package in one direction. [Decoder] turns request
// bytes into log records whose body is the event, [Validator] judges and
// normalises such a record, [PartitionKey] names its Kafka key and [AppendJSON] writes
// the canonical JSON that becomes the Kafka value. [RewriteText] reaches the
// parts of an event that people write freely.
//
// The package knows nothing of collector components; they know it.
package feedback // import "github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package wholepath measures the way of an event through the process, from
// request bytes to Kafka record value, with the components in the order of the
// default pipeline, and tests who is let onto it over every receiver. It has no
// code of its own.
package wholepath

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package sample makes up feedback events that look like those of a running
// application: five types in a plausible mix, the same sessions and requests
// coming back, comments of a few sentences, and here and there some personal
// data that must not reach Kafka.
//
// Every event is valid. All addresses and numbers in it are reserved for
// examples or tests; none belongs to anybody.
package sample // import "github.com/otelcol-feedback/otelcol-feedback/pkg/sample"

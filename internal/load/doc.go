// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package load drives a collector with realistic feedback and says what it
// took: latency from the moment a request was due, so that a stall is seen by
// all the requests it held up; what arrived on Kafka, each event once; and the
// processor time and memory of the process that was driven.
//
// What is sent is prepared beforehand. While a load runs only the event_ids in
// a request are written anew, and answers are read no further than needed, so
// that the generator takes little of the machine. It tells how much it took.
package load // import "github.com/otelcol-feedback/otelcol-feedback/internal/load"

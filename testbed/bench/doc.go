// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package bench compares and measures: the collector, a stock one and the least
// that could do the work, each as a process of its own on one Apache Kafka node.
//
// "make bench-peers", "make bench-load" and "make soak" run it and write what
// they see into docs/performance.md. Every run asserts that what was
// acknowledged arrived, once. Whether a goal was met is printed; with
// BENCH_GOALS=1 one that was missed fails.
package bench // import "github.com/otelcol-feedback/otelcol-feedback/testbed/bench"

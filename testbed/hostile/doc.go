// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package hostile holds tests of the built binary against clients that mean it
// harm: slow, greedy, lying and forging ones. Each runs a collector of its own
// on loopback and bounds what it may cost in time, memory or CPU.
package hostile // import "github.com/otelcol-feedback/otelcol-feedback/testbed/hostile"

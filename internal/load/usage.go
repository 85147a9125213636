// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"errors"
	"time"
)

// ErrUsage says that this system does not tell what a process uses.
var ErrUsage = errors.New("what a process uses is told on Linux only")

// Usage is what a process has used and uses.
type Usage struct {
	// CPU is the processor time since the process began, to 10 ms.
	CPU time.Duration
	// Resident and Peak are bytes of memory now, and at most since ResetPeak or
	// the beginning.
	Resident, Peak int64
	// Threads and Descriptors are counted now.
	Threads, Descriptors int
}

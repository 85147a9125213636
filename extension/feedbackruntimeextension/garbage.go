// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"math"
	"runtime/debug"
)

const (
	// garbagePercent is how much the heap may grow between two collections, in
	// percent of what is alive. What is alive is little here: at Go's 100, a tenth
	// of the processor time goes into collections.
	garbagePercent = 200
	// softMemoryShare is the share of memory_limiter's limit near which the heap
	// grows no more and is collected more often instead: in time before the
	// limiter, which refuses events from about three quarters on, has to.
	softMemoryShare = 0.7
)

// collectLess makes the garbage collector spend memory that is there rather than
// processor time. What the environment says of it (GOGC, GOMEMLIMIT) stands.
// memoryLimit is memory_limiter's in bytes, 0 for none. The function returned
// takes it back.
func collectLess(memoryLimit int64, lookup func(string) (string, bool)) func() {
	undo := func() {}
	if _, set := lookup("GOGC"); !set {
		percent := debug.SetGCPercent(garbagePercent)
		undo = func() { debug.SetGCPercent(percent) }
	}
	if _, set := lookup("GOMEMLIMIT"); set || memoryLimit <= 0 || debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return undo
	}
	before := debug.SetMemoryLimit(int64(softMemoryShare * float64(memoryLimit)))
	return func() {
		undo()
		debug.SetMemoryLimit(before)
	}
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

// The five event types.
const (
	TypeUserFeedback       = "user_feedback"
	TypePerformanceMetrics = "performance_metrics"
	TypeModelResponse      = "model_response"
	TypeSystemHealth       = "system_health"
	TypeExperimentResult   = "experiment_result"

	// TypeUnknown stands for the type of an event that is none of the five, in
	// metrics and on refused records.
	TypeUnknown = "unknown"
)

// NumTypes is the number of types, [TypeUnknown] included.
const NumTypes = 6

// types are in the order of the contract.
var types = [NumTypes]string{
	TypeUserFeedback, TypePerformanceMetrics, TypeModelResponse, TypeSystemHealth, TypeExperimentResult, TypeUnknown,
}

// Types lists the five types, and TypeUnknown last.
func Types() [NumTypes]string { return types }

// TypeCounts is a number of events by type, in the order of [Types].
type TypeCounts [NumTypes]int

// Add adds n events of a type; what is none of the five is TypeUnknown.
func (c *TypeCounts) Add(typ string, n int) {
	for i, t := range types[:NumTypes-1] {
		if t == typ {
			c[i] += n
			return
		}
	}
	c[NumTypes-1] += n
}

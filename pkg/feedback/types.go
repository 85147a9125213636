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

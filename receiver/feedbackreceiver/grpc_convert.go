// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/xpdata"
	"google.golang.org/protobuf/types/known/timestamppb"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// Room in an event's map: type, event_id, timestamp, trace_id and span_id, which
// validation may add, and the fields of the largest type.
const eventMapCapacity = 5 + 12

// Nothing here judges an event: what a client sent, or left out, is in the body
// under the names of the contract, for validation to decide about.

// toLogs converts the events of one request to log records in the same order.
func toLogs(events []*feedbackv1.FeedbackEvent, receipt pcommon.Timestamp, tc traceContext) plog.Logs {
	logs := plog.NewLogs()
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	records.EnsureCapacity(len(events))
	var m, nested object
	for _, event := range events {
		m.event(event, &nested)
		m.UnsafeIntoMap(records.AppendEmpty().Body().SetEmptyMap())
	}
	tc.stamp(records, receipt)
	return logs
}

// object builds a map whose names are known to differ. Absent fields stay absent.
// It is empty, and fit for the next map, once it was moved into one.
type object struct{ xpdata.MapBuilder }

// event builds the body of one event; nested is scratch for its inner objects.
func (m *object) event(e *feedbackv1.FeedbackEvent, nested *object) {
	m.EnsureCapacity(eventMapCapacity)
	if t := eventType(e); t != "" {
		m.AppendEmpty("type").SetStr(t)
	}
	m.str("event_id", e.EventId)
	if e.Timestamp != nil {
		m.AppendEmpty("timestamp").SetStr(formatTimestamp(e.Timestamp))
	}
	m.str("trace_id", e.TraceId)
	m.str("span_id", e.SpanId)

	switch v := e.Event.(type) {
	case *feedbackv1.FeedbackEvent_UserFeedback:
		m.userFeedback(v.UserFeedback, nested)
	case *feedbackv1.FeedbackEvent_PerformanceMetrics:
		m.performanceMetrics(v.PerformanceMetrics, nested)
	case *feedbackv1.FeedbackEvent_ModelResponse:
		m.modelResponse(v.ModelResponse, nested)
	case *feedbackv1.FeedbackEvent_SystemHealth:
		m.systemHealth(v.SystemHealth, nested)
	case *feedbackv1.FeedbackEvent_ExperimentResult:
		m.experimentResult(v.ExperimentResult, nested)
	}
}

// eventType is empty when none of the oneof is set: validation then misses type.
func eventType(e *feedbackv1.FeedbackEvent) string {
	switch e.Event.(type) {
	case *feedbackv1.FeedbackEvent_UserFeedback:
		return feedback.TypeUserFeedback
	case *feedbackv1.FeedbackEvent_PerformanceMetrics:
		return feedback.TypePerformanceMetrics
	case *feedbackv1.FeedbackEvent_ModelResponse:
		return feedback.TypeModelResponse
	case *feedbackv1.FeedbackEvent_SystemHealth:
		return feedback.TypeSystemHealth
	case *feedbackv1.FeedbackEvent_ExperimentResult:
		return feedback.TypeExperimentResult
	default:
		return ""
	}
}

func (m *object) userFeedback(v *feedbackv1.UserFeedback, nested *object) {
	m.str("session_id", v.SessionId)
	m.str("request_id", v.RequestId)
	m.str("user_id", v.UserId)
	m.double("rating", v.Rating)
	if v.Thumbs != nil {
		m.AppendEmpty("thumbs").SetStr(thumbsName(*v.Thumbs))
	}
	m.str("comment", v.Comment)
	if len(v.Tags) > 0 {
		tags := m.AppendEmpty("tags").SetEmptySlice()
		tags.EnsureCapacity(len(v.Tags))
		for _, tag := range v.Tags {
			tags.AppendEmpty().SetStr(tag)
		}
	}
	if len(v.Metadata) > 0 {
		nested.EnsureCapacity(len(v.Metadata))
		for _, name := range sortedNames(v.Metadata) {
			nested.AppendEmpty(name).SetStr(v.Metadata[name])
		}
		m.nest("metadata", nested)
	}
}

func (m *object) performanceMetrics(v *feedbackv1.PerformanceMetrics, nested *object) {
	m.str("request_id", v.RequestId)
	m.str("model_id", v.ModelId)
	m.str("provider", v.Provider)
	m.double("latency_ms", v.LatencyMs)
	m.integer("tokens_input", v.TokensInput)
	m.integer("tokens_output", v.TokensOutput)
	m.integer("tokens_total", v.TokensTotal)
	m.double("cost_usd", v.CostUsd)
	m.boolean("success", v.Success)
	m.str("error_type", v.ErrorType)
	m.boolean("cache_hit", v.CacheHit)
	if len(v.CustomMetrics) > 0 {
		nested.EnsureCapacity(len(v.CustomMetrics))
		for _, name := range sortedNames(v.CustomMetrics) {
			nested.AppendEmpty(name).SetDouble(v.CustomMetrics[name])
		}
		m.nest("custom_metrics", nested)
	}
}

func (m *object) modelResponse(v *feedbackv1.ModelResponse, nested *object) {
	m.str("request_id", v.RequestId)
	m.str("model_id", v.ModelId)
	m.double("quality_score", v.QualityScore)
	if q := v.QualityDimensions; q != nil {
		nested.EnsureCapacity(5)
		nested.double("accuracy", q.Accuracy)
		nested.double("relevance", q.Relevance)
		nested.double("coherence", q.Coherence)
		nested.double("completeness", q.Completeness)
		nested.double("safety", q.Safety)
		m.nest("quality_dimensions", nested)
	}
	m.str("prompt_hash", v.PromptHash)
	m.integer("response_length", v.ResponseLength)
	m.str("finish_reason", v.FinishReason)
	if p := v.ModelParams; p != nil {
		nested.EnsureCapacity(4)
		nested.double("temperature", p.Temperature)
		nested.double("top_p", p.TopP)
		nested.integer("max_tokens", p.MaxTokens)
		nested.integer("top_k", p.TopK)
		m.nest("model_params", nested)
	}
}

func (m *object) systemHealth(v *feedbackv1.SystemHealth, nested *object) {
	m.str("service_name", v.ServiceName)
	if v.Status != nil {
		m.AppendEmpty("status").SetStr(healthStatusName(*v.Status))
	}
	m.double("error_rate", v.ErrorRate)
	m.double("availability", v.Availability)
	if r := v.Resources; r != nil {
		nested.EnsureCapacity(4)
		nested.double("cpu_percent", r.CpuPercent)
		nested.double("memory_mb", r.MemoryMb)
		nested.double("memory_percent", r.MemoryPercent)
		nested.double("network_mbps", r.NetworkMbps)
		m.nest("resources", nested)
	}
	m.integer("active_requests", v.ActiveRequests)
}

func (m *object) experimentResult(v *feedbackv1.ExperimentResult, nested *object) {
	m.str("experiment_id", v.ExperimentId)
	if v.ExperimentType != nil {
		m.AppendEmpty("experiment_type").SetStr(experimentTypeName(*v.ExperimentType))
	}
	m.str("variant_id", v.VariantId)
	m.str("request_id", v.RequestId)
	m.double("reward", v.Reward)
	if x := v.Metrics; x != nil {
		nested.EnsureCapacity(4)
		nested.double("cost", x.Cost)
		nested.double("quality", x.Quality)
		nested.double("latency_ms", x.LatencyMs)
		nested.double("user_satisfaction", x.UserSatisfaction)
		m.nest("metrics", nested)
	}
}

func (m *object) str(name string, v *string) {
	if v != nil {
		m.AppendEmpty(name).SetStr(*v)
	}
}

func (m *object) double(name string, v *float64) {
	if v != nil {
		m.AppendEmpty(name).SetDouble(*v)
	}
}

func (m *object) integer(name string, v *int64) {
	if v != nil {
		m.AppendEmpty(name).SetInt(*v)
	}
}

func (m *object) boolean(name string, v *bool) {
	if v != nil {
		m.AppendEmpty(name).SetBool(*v)
	}
}

func (m *object) nest(name string, o *object) {
	o.UnsafeIntoMap(m.AppendEmpty(name).SetEmptyMap())
}

// sortedNames gives a map, which has no order in protobuf, one that is the same
// each time.
func sortedNames[V any](m map[string]V) []string {
	names := slices.AppendSeq(make([]string, 0, len(m)), maps.Keys(m))
	slices.Sort(names)
	return names
}

// unsettableTimestamp is no RFC 3339 time, so that validation refuses it. It
// stands for what protobuf can carry and RFC 3339 cannot.
const unsettableTimestamp = "out of range"

func formatTimestamp(t *timestamppb.Timestamp) string {
	if !t.IsValid() { // years 1 to 9999, nanoseconds below 1e9
		return unsettableTimestamp
	}
	var buf [len(time.RFC3339Nano)]byte
	return string(t.AsTime().AppendFormat(buf[:0], time.RFC3339Nano))
}

// The names of enum values are those of the contract. The unspecified value is
// the empty string, which is as good as no answer; a number that is not defined
// is itself, which is a member of no closed set.

func thumbsName(v feedbackv1.Thumbs) string {
	switch v {
	case feedbackv1.Thumbs_THUMBS_UNSPECIFIED:
		return ""
	case feedbackv1.Thumbs_THUMBS_UP:
		return "up"
	case feedbackv1.Thumbs_THUMBS_DOWN:
		return "down"
	default:
		return strconv.Itoa(int(v))
	}
}

func healthStatusName(v feedbackv1.HealthStatus) string {
	switch v {
	case feedbackv1.HealthStatus_HEALTH_STATUS_UNSPECIFIED:
		return ""
	case feedbackv1.HealthStatus_HEALTH_STATUS_HEALTHY:
		return "healthy"
	case feedbackv1.HealthStatus_HEALTH_STATUS_DEGRADED:
		return "degraded"
	case feedbackv1.HealthStatus_HEALTH_STATUS_UNHEALTHY:
		return "unhealthy"
	default:
		return strconv.Itoa(int(v))
	}
}

func experimentTypeName(v feedbackv1.ExperimentType) string {
	switch v {
	case feedbackv1.ExperimentType_EXPERIMENT_TYPE_UNSPECIFIED:
		return ""
	case feedbackv1.ExperimentType_EXPERIMENT_TYPE_A_B_TEST:
		return "a_b_test"
	case feedbackv1.ExperimentType_EXPERIMENT_TYPE_MULTI_ARMED_BANDIT:
		return "multi_armed_bandit"
	case feedbackv1.ExperimentType_EXPERIMENT_TYPE_PARAMETER_TUNING:
		return "parameter_tuning"
	default:
		return strconv.Itoa(int(v))
	}
}

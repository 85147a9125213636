// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package send

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
)

// Proto is the event as a message; unknown fields have no place in it.
func Proto(e *events.Event) *feedbackv1.FeedbackEvent {
	o := fields(e.Sent)
	m := &feedbackv1.FeedbackEvent{EventId: o.str("event_id"), TraceId: o.str("trace_id"), SpanId: o.str("span_id")}
	if o.str("timestamp") != nil {
		m.Timestamp = timestamppb.New(e.Time)
	}
	switch e.Type {
	case events.UserFeedback:
		m.Event = &feedbackv1.FeedbackEvent_UserFeedback{UserFeedback: userFeedback(o)}
	case events.PerformanceMetrics:
		m.Event = &feedbackv1.FeedbackEvent_PerformanceMetrics{PerformanceMetrics: performanceMetrics(o)}
	case events.ModelResponse:
		m.Event = &feedbackv1.FeedbackEvent_ModelResponse{ModelResponse: modelResponse(o)}
	case events.SystemHealth:
		m.Event = &feedbackv1.FeedbackEvent_SystemHealth{SystemHealth: systemHealth(o)}
	case events.ExperimentResult:
		m.Event = &feedbackv1.FeedbackEvent_ExperimentResult{ExperimentResult: experimentResult(o)}
	}
	return m
}

func userFeedback(o fields) *feedbackv1.UserFeedback {
	m := &feedbackv1.UserFeedback{
		SessionId: o.str("session_id"), RequestId: o.str("request_id"), UserId: o.str("user_id"),
		Rating: o.num("rating"), Comment: o.str("comment"),
	}
	if t := o.str("thumbs"); t != nil {
		m.Thumbs = map[string]feedbackv1.Thumbs{"up": feedbackv1.Thumbs_THUMBS_UP, "down": feedbackv1.Thumbs_THUMBS_DOWN}[*t].Enum()
	}
	tags, _ := o.get("tags").([]any)
	for _, t := range tags {
		m.Tags = append(m.Tags, t.(string))
	}
	for _, e := range o.object("metadata") {
		if m.Metadata == nil {
			m.Metadata = map[string]string{}
		}
		m.Metadata[e.Name] = e.Value.(string)
	}
	return m
}

func performanceMetrics(o fields) *feedbackv1.PerformanceMetrics {
	m := &feedbackv1.PerformanceMetrics{
		RequestId: o.str("request_id"), ModelId: o.str("model_id"), Provider: o.str("provider"),
		LatencyMs: o.num("latency_ms"), TokensInput: o.integer("tokens_input"), TokensOutput: o.integer("tokens_output"),
		TokensTotal: o.integer("tokens_total"), CostUsd: o.num("cost_usd"), Success: o.boolean("success"),
		ErrorType: o.str("error_type"), CacheHit: o.boolean("cache_hit"),
	}
	for _, e := range o.object("custom_metrics") {
		if m.CustomMetrics == nil {
			m.CustomMetrics = map[string]float64{}
		}
		m.CustomMetrics[e.Name] = e.Value.(float64)
	}
	return m
}

func modelResponse(o fields) *feedbackv1.ModelResponse {
	params := fields(o.object("model_params"))
	m := &feedbackv1.ModelResponse{
		RequestId: o.str("request_id"), ModelId: o.str("model_id"), QualityScore: o.num("quality_score"),
		PromptHash: o.str("prompt_hash"), ResponseLength: o.integer("response_length"), FinishReason: o.str("finish_reason"),
		ModelParams: &feedbackv1.ModelParams{
			Temperature: params.num("temperature"), TopP: params.num("top_p"),
			MaxTokens: params.integer("max_tokens"), TopK: params.integer("top_k"),
		},
	}
	if d := fields(o.object("quality_dimensions")); d != nil {
		m.QualityDimensions = &feedbackv1.QualityDimensions{
			Accuracy: d.num("accuracy"), Relevance: d.num("relevance"), Coherence: d.num("coherence"),
			Completeness: d.num("completeness"), Safety: d.num("safety"),
		}
	}
	return m
}

func systemHealth(o fields) *feedbackv1.SystemHealth {
	r := fields(o.object("resources"))
	return &feedbackv1.SystemHealth{
		ServiceName: o.str("service_name"),
		Status: map[string]feedbackv1.HealthStatus{
			"healthy":   feedbackv1.HealthStatus_HEALTH_STATUS_HEALTHY,
			"degraded":  feedbackv1.HealthStatus_HEALTH_STATUS_DEGRADED,
			"unhealthy": feedbackv1.HealthStatus_HEALTH_STATUS_UNHEALTHY,
		}[*o.str("status")].Enum(),
		ErrorRate: o.num("error_rate"), Availability: o.num("availability"), ActiveRequests: o.integer("active_requests"),
		Resources: &feedbackv1.Resources{
			CpuPercent: r.num("cpu_percent"), MemoryMb: r.num("memory_mb"),
			MemoryPercent: r.num("memory_percent"), NetworkMbps: r.num("network_mbps"),
		},
	}
}

func experimentResult(o fields) *feedbackv1.ExperimentResult {
	x := fields(o.object("metrics"))
	return &feedbackv1.ExperimentResult{
		ExperimentId: o.str("experiment_id"),
		ExperimentType: map[string]feedbackv1.ExperimentType{
			"a_b_test":           feedbackv1.ExperimentType_EXPERIMENT_TYPE_A_B_TEST,
			"multi_armed_bandit": feedbackv1.ExperimentType_EXPERIMENT_TYPE_MULTI_ARMED_BANDIT,
			"parameter_tuning":   feedbackv1.ExperimentType_EXPERIMENT_TYPE_PARAMETER_TUNING,
		}[*o.str("experiment_type")].Enum(),
		VariantId: o.str("variant_id"), RequestId: o.str("request_id"), Reward: o.num("reward"),
		Metrics: &feedbackv1.ExperimentMetrics{
			Cost: x.num("cost"), Quality: x.num("quality"), LatencyMs: x.num("latency_ms"), UserSatisfaction: x.num("user_satisfaction"),
		},
	}
}

// fields reads members as optional values: nil where there is none.
type fields events.Object

func (f fields) get(name string) any { return events.Object(f).Get(name) }

func (f fields) object(name string) events.Object {
	o, _ := f.get(name).(events.Object)
	return o
}

func (f fields) str(name string) *string    { return value[string](f, name) }
func (f fields) num(name string) *float64   { return value[float64](f, name) }
func (f fields) integer(name string) *int64 { return value[int64](f, name) }
func (f fields) boolean(name string) *bool  { return value[bool](f, name) }

func value[T any](f fields, name string) *T {
	if v, ok := f.get(name).(T); ok {
		return &v
	}
	return nil
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"math"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// header holds the fields that every event has.
type header struct {
	Type      string `json:"type"`
	EventID   string `json:"event_id"`
	Timestamp string `json:"timestamp"`
	TraceID   string `json:"trace_id,omitempty"`
	SpanID    string `json:"span_id,omitempty"`
}

type userFeedback struct {
	header
	SessionID string            `json:"session_id"`
	RequestID string            `json:"request_id"`
	UserID    string            `json:"user_id,omitempty"`
	Rating    *float64          `json:"rating,omitempty"`
	Thumbs    string            `json:"thumbs,omitempty"`
	Comment   string            `json:"comment,omitempty"`
	Tags      []string          `json:"tags,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`
}

type performanceMetrics struct {
	header
	RequestID     string             `json:"request_id"`
	ModelID       string             `json:"model_id"`
	Provider      string             `json:"provider"`
	LatencyMS     float64            `json:"latency_ms"`
	TokensInput   int                `json:"tokens_input"`
	TokensOutput  int                `json:"tokens_output"`
	TokensTotal   int                `json:"tokens_total"`
	CostUSD       float64            `json:"cost_usd"`
	Success       bool               `json:"success"`
	ErrorType     string             `json:"error_type,omitempty"`
	CacheHit      *bool              `json:"cache_hit,omitempty"`
	CustomMetrics map[string]float64 `json:"custom_metrics,omitempty"`
}

type modelResponse struct {
	header
	RequestID         string             `json:"request_id"`
	ModelID           string             `json:"model_id"`
	QualityScore      *float64           `json:"quality_score,omitempty"`
	QualityDimensions *qualityDimensions `json:"quality_dimensions,omitempty"`
	PromptHash        string             `json:"prompt_hash"`
	ResponseLength    int                `json:"response_length"`
	FinishReason      string             `json:"finish_reason"`
	ModelParams       modelParams        `json:"model_params"`
}

type qualityDimensions struct {
	Accuracy     float64 `json:"accuracy"`
	Relevance    float64 `json:"relevance"`
	Coherence    float64 `json:"coherence"`
	Completeness float64 `json:"completeness"`
	Safety       float64 `json:"safety"`
}

type modelParams struct {
	Temperature float64 `json:"temperature"`
	TopP        float64 `json:"top_p"`
	MaxTokens   int     `json:"max_tokens"`
	TopK        int     `json:"top_k,omitempty"`
}

type systemHealth struct {
	header
	ServiceName    string    `json:"service_name"`
	Status         string    `json:"status"`
	ErrorRate      float64   `json:"error_rate"`
	Availability   float64   `json:"availability"`
	Resources      resources `json:"resources"`
	ActiveRequests int       `json:"active_requests"`
}

type resources struct {
	CPUPercent    float64 `json:"cpu_percent"`
	MemoryMB      float64 `json:"memory_mb"`
	MemoryPercent float64 `json:"memory_percent"`
	NetworkMbps   float64 `json:"network_mbps"`
}

type experimentResult struct {
	header
	ExperimentID   string            `json:"experiment_id"`
	ExperimentType string            `json:"experiment_type"`
	VariantID      string            `json:"variant_id"`
	RequestID      string            `json:"request_id"`
	Reward         float64           `json:"reward"`
	Metrics        experimentMetrics `json:"metrics"`
}

type experimentMetrics struct {
	Cost             float64  `json:"cost"`
	Quality          float64  `json:"quality"`
	LatencyMS        float64  `json:"latency_ms"`
	UserSatisfaction *float64 `json:"user_satisfaction,omitempty"`
}

func (g *Generator) header(eventType string, r request) header {
	return header{
		Type:      eventType,
		EventID:   g.uuid(),
		Timestamp: g.now().UTC().Format(time.RFC3339Nano),
		TraceID:   r.traceID,
		SpanID:    r.spanID,
	}
}

func (g *Generator) userFeedback() *userFeedback {
	r := g.request()
	e := &userFeedback{
		header:    g.header(feedback.TypeUserFeedback, r),
		SessionID: r.session.id,
		RequestID: r.id,
		UserID:    r.session.user,
	}
	good := g.chance(70)
	if g.chance(75) {
		e.Rating = ptr(float64(g.rng.IntN(3)))
		if good {
			*e.Rating += 3
		}
	}
	if e.Rating == nil || g.chance(40) {
		e.Thumbs = "down"
		if good {
			e.Thumbs = "up"
		}
	}
	if g.chance(80) {
		e.Comment = g.comment(good)
	}
	for range g.rng.IntN(4) {
		e.Tags = append(e.Tags, pick(g, tags))
	}
	if g.chance(50) {
		e.Metadata = map[string]string{
			"app_version": pick(g, []string{"4.2.0", "4.2.1", "4.3.0"}),
			"locale":      pick(g, []string{"en-US", "en-GB", "de-DE", "es-MX", "ja-JP"}),
			"surface":     pick(g, []string{"web", "ios", "android", "slack"}),
		}
	}
	return e
}

func (g *Generator) performanceMetrics() *performanceMetrics {
	r := g.request()
	e := &performanceMetrics{
		header:       g.header(feedback.TypePerformanceMetrics, r),
		RequestID:    r.id,
		ModelID:      r.model.id,
		Provider:     r.model.provider,
		TokensInput:  20 + g.rng.IntN(4000),
		TokensOutput: 1 + g.rng.IntN(1200),
		Success:      g.chance(97),
	}
	if !e.Success {
		e.TokensOutput = 0
		e.ErrorType = pick(g, errorTypes)
	}
	e.TokensTotal = e.TokensInput + e.TokensOutput
	e.LatencyMS = g.latency(e.TokensOutput)
	e.CostUSD = round(float64(e.TokensInput)*r.model.inputUSD/1e6+float64(e.TokensOutput)*r.model.outputUSD/1e6, 6)
	if g.chance(40) {
		e.CacheHit = ptr(g.chance(30))
	}
	if g.chance(30) {
		e.CustomMetrics = map[string]float64{
			"time_to_first_token_ms": round(80+g.rng.Float64()*600, 1),
			"retrieved_documents":    float64(g.rng.IntN(12)),
		}
	}
	return e
}

func (g *Generator) modelResponse() *modelResponse {
	r := g.request()
	e := &modelResponse{
		header:         g.header(feedback.TypeModelResponse, r),
		RequestID:      r.id,
		ModelID:        r.model.id,
		PromptHash:     "sha256:" + g.hex(32),
		ResponseLength: g.rng.IntN(6000),
		FinishReason:   pick(g, []string{"stop", "stop", "stop", "length", "tool_calls", "content_filter"}),
		ModelParams: modelParams{
			Temperature: round(g.rng.Float64()*1.2, 2),
			TopP:        pick(g, []float64{0.9, 0.95, 1}),
			MaxTokens:   pick(g, []int{512, 1024, 2048, 4096}),
		},
	}
	if g.chance(30) {
		e.ModelParams.TopK = 20 + g.rng.IntN(80)
	}
	if g.chance(70) {
		e.QualityScore = ptr(g.score())
	}
	if g.chance(40) {
		e.QualityDimensions = &qualityDimensions{g.score(), g.score(), g.score(), g.score(), g.score()}
	}
	return e
}

func (g *Generator) systemHealth() *systemHealth {
	e := &systemHealth{
		header:         g.header(feedback.TypeSystemHealth, request{}),
		ServiceName:    pick(g, services),
		Status:         "healthy",
		ErrorRate:      round(g.rng.Float64()*0.01, 4),
		ActiveRequests: g.rng.IntN(200),
		Resources: resources{
			CPUPercent:    round(5+g.rng.Float64()*90, 1),
			MemoryMB:      round(256+g.rng.Float64()*3800, 1),
			MemoryPercent: round(10+g.rng.Float64()*80, 1),
			NetworkMbps:   round(g.rng.Float64()*400, 2),
		},
	}
	switch n := g.rng.IntN(100); {
	case n < 2:
		e.Status, e.ErrorRate = "unhealthy", round(0.2+g.rng.Float64()*0.5, 4)
	case n < 10:
		e.Status, e.ErrorRate = "degraded", round(0.02+g.rng.Float64()*0.1, 4)
	}
	e.Availability = round(1-e.ErrorRate, 4)
	return e
}

func (g *Generator) experimentResult() *experimentResult {
	r, x := g.request(), pick(g, g.experiments)
	e := &experimentResult{
		header:         g.header(feedback.TypeExperimentResult, r),
		ExperimentID:   x.id,
		ExperimentType: x.kind,
		VariantID:      pick(g, x.variants),
		RequestID:      r.id,
		Reward:         round(g.rng.Float64()*2-0.5, 4),
		Metrics: experimentMetrics{
			Cost:      round(g.rng.Float64()*0.05, 6),
			Quality:   g.score(),
			LatencyMS: g.latency(g.rng.IntN(1200)),
		},
	}
	if g.chance(60) {
		e.Metrics.UserSatisfaction = ptr(round(g.rng.Float64()*5, 1))
	}
	return e
}

// latency is that of an answer of so many tokens, with a long tail.
func (g *Generator) latency(tokens int) float64 {
	return round((120+float64(tokens)*9)*math.Exp(g.rng.NormFloat64()*0.35), 1)
}

// score is a quality between 0 and 100, mostly high.
func (g *Generator) score() float64 {
	return round(min(max(82+g.rng.NormFloat64()*11, 0), 100), 1)
}

func round(x float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(x*p) / p
}

func ptr[T any](v T) *T { return &v }

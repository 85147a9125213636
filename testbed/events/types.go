// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package events

import "fmt"

func (b *builder) userFeedback(comment string) {
	b.head(UserFeedback)
	session := fmt.Sprintf("session-%d", b.n%97)
	b.event.Key = session
	b.both("session_id", session)
	b.request()
	b.both("user_id", fmt.Sprintf("user %d", b.n%31))
	b.number("rating", float64(b.n%11)/2)
	b.both("thumbs", []string{"up", "down"}[b.n/2%2])
	b.both("comment", comment)
	b.differs("tags", []any{"beta", "from jane.doe@example.com"}, []any{"beta", "from [EMAIL_REDACTED]"})
	if b.n%4 == 0 { // one entry: a protobuf map has no order
		b.differs("metadata", Object{{"contact", "ssn 460-89-9847"}}, Object{{"contact", "ssn [SSN_REDACTED]"}})
	}
}

func (b *builder) performanceMetrics() {
	b.head(PerformanceMetrics)
	b.request()
	b.event.Key = b.id(2)
	b.both("model_id", "model-7b")
	b.both("provider", "example")
	b.number("latency_ms", float64(b.n)+0.25)
	b.integer("tokens_input", int64(b.n))
	b.integer("tokens_output", 11)
	b.integer("tokens_total", int64(b.n)+11)
	b.number("cost_usd", 0.0001*float64(b.n%50))
	b.both("success", b.n%16 != 1)
	if b.n%16 == 1 {
		b.differs("error_type", "refused for bob@example.org", "refused for [EMAIL_REDACTED]")
	}
	if b.n%3 == 0 {
		b.both("cache_hit", true)
	} else { // published always
		b.event.Want = append(b.event.Want, Member{"cache_hit", false})
	}
	if b.n%5 == 0 {
		b.both("custom_metrics", Object{{"queue_ms", 1.5}})
	}
}

func (b *builder) modelResponse() {
	b.head(ModelResponse)
	b.request()
	b.event.Key = b.id(2)
	b.both("model_id", "model-70b")
	b.number("quality_score", float64(b.n%1000)/10)
	if b.n%3 == 0 {
		b.both("quality_dimensions", Object{{"accuracy", 99.5}, {"safety", float64(100)}})
	}
	b.both("prompt_hash", fmt.Sprintf("sha256:%064x", b.n))
	b.integer("response_length", int64(b.n))
	b.both("finish_reason", "stop")
	params := Object{{"temperature", 0.7}, {"top_p", 0.95}, {"max_tokens", int64(1024)}}
	if b.n%5 == 0 {
		params = append(params, Member{"top_k", int64(40)})
	}
	b.both("model_params", params)
}

func (b *builder) systemHealth() {
	b.head(SystemHealth)
	service := fmt.Sprintf("service-%d-%d", b.salt, b.n)
	b.event.Key = service
	b.event.Mark = b.event.Type + " " + service
	b.both("service_name", service)
	b.both("status", []string{"healthy", "degraded", "unhealthy"}[b.n%3])
	b.number("error_rate", 0.01)
	b.number("availability", 0.999)
	b.both("resources", Object{
		{"cpu_percent", 130.5}, {"memory_mb", float64(2048)}, {"memory_percent", 41.25}, {"network_mbps", float64(12)},
	})
	b.integer("active_requests", int64(b.n%100))
}

func (b *builder) experimentResult() {
	b.head(ExperimentResult)
	var experiment builder
	experiment.n, experiment.salt = b.n%13, b.salt
	id := experiment.id(3)
	b.event.Key = id
	b.differs("experiment_id", b.spelt(id), id)
	if b.style == JSON && b.n%3 == 0 {
		b.differs("experiment_type", "ab_test", "a_b_test")
	} else {
		b.both("experiment_type", "multi_armed_bandit")
	}
	b.both("variant_id", fmt.Sprintf("variant-%d", b.n%3))
	b.request()
	b.number("reward", -0.5+float64(b.n%10))
	b.both("metrics", Object{{"cost", 0.02}, {"quality", 0.5}, {"latency_ms", float64(120)}, {"user_satisfaction", 4.5}})
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"math"
	"strings"
)

// Kind is the shape of a field's value.
type Kind uint8

// The kinds of fields. They map onto JSON types as the comments say.
const (
	KindUnknown    Kind = iota // a field that is not of the schema: any JSON value
	KindString                 // string
	KindUUID                   // string, RFC 9562 in the 36-character form
	KindEnum                   // string out of a closed set
	KindTimestamp              // string, RFC 3339
	KindHex                    // string of MaxLen hexadecimal digits, not all zero (W3C trace context)
	KindBool                   // true or false
	KindInteger                // number without a fraction, at most 2^63-1
	KindNumber                 // finite IEEE 754 double
	KindObject                 // object with the fields listed in Fields
	KindStringList             // array of strings
	KindStringMap              // object with string values
	KindNumberMap              // object with number values
)

// Field is one row of the schema table.
type Field struct {
	// Name as published.
	Name string
	// Kind of the value.
	Kind Kind
	// Required fields must be present and, as strings, not empty.
	Required bool
	// FreeText is set on what people write: it is searched for personal data.
	FreeText bool
	// Min and Max bound numbers, both inclusive.
	Min, Max float64
	// MaxLen bounds strings, in Unicode code points; 0 is the limit for all
	// strings. For KindHex it is the exact length.
	MaxLen int
	// Enum is the closed set, aliases left out.
	Enum []string
	// Fields of an object, in the order they are published.
	Fields []Field
	// Doc describes the field for people; units included.
	Doc string

	key string // its name as JSON, with the colon behind it
}

// Schema describes one event type.
type Schema struct {
	// Type is the value of the field type.
	Type string
	// Doc describes the type for people.
	Doc string
	// Key names the field that is the Kafka key.
	Key string
	// Fields in the order they are published, the common ones first.
	Fields []Field
}

// aliases are accepted spellings in closed sets.
var aliases = [...]struct{ spelling, published string }{{"ab_test", "a_b_test"}}

// canonical is the published spelling of a value of a closed set.
func canonical(value string) string {
	for _, a := range aliases {
		if a.spelling == value {
			return a.published
		}
	}
	return value
}

var inf = math.Inf(1)

func str(name, doc string) Field {
	return Field{Name: name, Kind: KindString, Required: true, Doc: doc}
}

func uid(name, doc string) Field {
	return Field{Name: name, Kind: KindUUID, Required: true, Doc: doc}
}

func num(name string, minimum, maximum float64, doc string) Field {
	return Field{Name: name, Kind: KindNumber, Required: true, Min: minimum, Max: maximum, Doc: doc}
}

func integer(name string, minimum float64, doc string) Field {
	return Field{Name: name, Kind: KindInteger, Required: true, Min: minimum, Max: math.MaxInt64, Doc: doc}
}

func enum(name, doc string, values ...string) Field {
	return Field{Name: name, Kind: KindEnum, Required: true, Enum: values, Doc: doc}
}

func object(name, doc string, fields ...Field) Field {
	return Field{Name: name, Kind: KindObject, Required: true, Fields: fields, Doc: doc}
}

func optional(f Field) Field { f.Required = false; return f }

func free(f Field) Field { f.FreeText = true; return f }

// Positions of the common fields, the same in every schema.
const (
	posType = iota
	posEventID
	posTimestamp
	posTraceID
	posSpanID
	numCommon
)

var common = []Field{
	enum("type", "Which of the five event types this is.",
		TypeUserFeedback, TypePerformanceMetrics, TypeModelResponse, TypeSystemHealth, TypeExperimentResult),
	optional(uid("event_id", "Identifies the event; consumers drop duplicates by it. If absent, the collector makes a UUIDv7 and returns it.")),
	{Name: "timestamp", Kind: KindTimestamp, Doc: "When it happened. If absent, the time of receipt."},
	{Name: "trace_id", Kind: KindHex, MaxLen: 32, Doc: "W3C trace id. If absent, taken from the request's traceparent."},
	{Name: "span_id", Kind: KindHex, MaxLen: 16, Doc: "W3C span id. If absent, taken from the request's traceparent."},
}

// schemas is the schema table: decoding, validation, canonical encoding,
// redaction and JSON Schema all read it.
var schemas = []*Schema{
	newSchema(TypeUserFeedback, "session_id", "What a person thought of an answer.",
		str("session_id", "The conversation; events of one session stay in order."),
		uid("request_id", "The request that was answered."),
		optional(str("user_id", "Pseudonymous id of the person.")),
		optional(num("rating", 0, 5, "Stars.")),
		optional(enum("thumbs", "Thumbs up or down.", "up", "down")),
		Field{Name: "comment", Kind: KindString, MaxLen: 1000, FreeText: true, Doc: "What the person wrote."},
		Field{Name: "tags", Kind: KindStringList, FreeText: true, Doc: "Labels."},
		Field{Name: "metadata", Kind: KindStringMap, FreeText: true, Doc: "Anything else, as text."},
	),
	newSchema(TypePerformanceMetrics, "request_id", "What one model request took and cost.",
		uid("request_id", "The request."),
		str("model_id", "The model."),
		str("provider", "Who serves the model (anthropic, openai, …)."),
		num("latency_ms", 0, inf, "Duration of the request in milliseconds."),
		integer("tokens_input", 0, "Tokens sent."),
		integer("tokens_output", 0, "Tokens received."),
		integer("tokens_total", 0, "tokens_input + tokens_output."),
		num("cost_usd", 0, inf, "Cost in US dollars."),
		Field{Name: "success", Kind: KindBool, Required: true, Doc: "Whether the request succeeded."},
		free(optional(str("error_type", "What went wrong."))),
		Field{Name: "cache_hit", Kind: KindBool, Doc: "Whether a cache answered; false if absent."},
		Field{Name: "custom_metrics", Kind: KindNumberMap, Doc: "Further measurements."},
	),
	newSchema(TypeModelResponse, "request_id", "How good a model's answer was.",
		uid("request_id", "The request."),
		str("model_id", "The model."),
		optional(num("quality_score", 0, 100, "Overall quality.")),
		optional(object("quality_dimensions", "Quality by dimension.",
			optional(num("accuracy", 0, 100, "Accuracy.")),
			optional(num("relevance", 0, 100, "Relevance.")),
			optional(num("coherence", 0, 100, "Coherence.")),
			optional(num("completeness", 0, 100, "Completeness.")),
			optional(num("safety", 0, 100, "Safety.")),
		)),
		str("prompt_hash", "Hash of the prompt."),
		integer("response_length", 0, "Length of the response in characters."),
		str("finish_reason", "Why the model stopped."),
		object("model_params", "Sampling parameters of the request.",
			num("temperature", 0, inf, "Sampling temperature."),
			num("top_p", 0, 1, "Nucleus sampling mass."),
			integer("max_tokens", 1, "Most tokens to generate."),
			optional(integer("top_k", 1, "Most likely tokens considered.")),
		),
	),
	newSchema(TypeSystemHealth, "service_name", "State of a service.",
		str("service_name", "The service."),
		enum("status", "Its state.", "healthy", "degraded", "unhealthy"),
		num("error_rate", 0, 1, "Share of failed requests."),
		num("availability", 0, 1, "Share of time available."),
		object("resources", "Resource use.",
			num("cpu_percent", 0, inf, "CPU in percent of one core."),
			num("memory_mb", 0, inf, "Memory in MB."),
			num("memory_percent", 0, 100, "Memory in percent."),
			num("network_mbps", 0, inf, "Network in Mbit/s."),
		),
		integer("active_requests", 0, "Requests in progress."),
	),
	newSchema(TypeExperimentResult, "experiment_id", "Outcome of one trial of an experiment.",
		uid("experiment_id", "The experiment."),
		enum("experiment_type", "Its design; ab_test is accepted for a_b_test.",
			"a_b_test", "multi_armed_bandit", "parameter_tuning"),
		str("variant_id", "The variant tried."),
		uid("request_id", "The request."),
		num("reward", -inf, inf, "Reward of the trial."),
		object("metrics", "Measurements of the trial.",
			num("cost", 0, inf, "Cost."),
			num("quality", -inf, inf, "Quality."),
			num("latency_ms", 0, inf, "Latency in milliseconds."),
			optional(num("user_satisfaction", -inf, inf, "Satisfaction.")),
		),
	),
}

func newSchema(typ, key, doc string, fields ...Field) *Schema {
	fields = append(common[:numCommon:numCommon], fields...)
	setKeys(fields)
	return &Schema{Type: typ, Key: key, Doc: doc, Fields: fields}
}

func setKeys(fields []Field) {
	for i := range fields {
		fields[i].key = `"` + fields[i].Name + `":`
		setKeys(fields[i].Fields)
	}
}

// commonSchema stands in where the type is not known.
var commonSchema = newSchema(TypeUnknown, "", "")

// maxFields bounds the fields of any schema, for arrays on the stack.
const maxFields = 20

// Schemas returns the schema table, one row per event type. It must not be changed.
func Schemas() []*Schema { return schemas }

// SchemaOf returns the schema of an event type, or nil if it is none of the five.
func SchemaOf(eventType string) *Schema {
	for _, s := range schemas {
		if s.Type == eventType {
			return s
		}
	}
	return nil
}

// Lookup finds a field by its dotted path (model_params.top_p).
func (s *Schema) Lookup(path string) (*Field, bool) {
	fields := s.Fields
	for {
		name, rest, nested := strings.Cut(path, ".")
		f := fieldByName(fields, name)
		if f == nil || !nested {
			return f, f != nil
		}
		fields, path = f.Fields, rest
	}
}

func fieldByName(fields []Field, name string) *Field {
	if i := fieldIndex(fields, name, 0); i >= 0 {
		return &fields[i]
	}
	return nil
}

// fieldIndex finds name, looking first from hint on: clients send fields in
// much the same order, so that the first look mostly finds it.
func fieldIndex(fields []Field, name string, hint int) int {
	for i := hint; i < len(fields); i++ {
		if fields[i].Name == name {
			return i
		}
	}
	for i := 0; i < hint && i < len(fields); i++ {
		if fields[i].Name == name {
			return i
		}
	}
	return -1
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/send"
)

// marker stands in every bad value: no answer, no log line and no event topic
// may repeat it.
const marker = "Zq7marker7qZ"

// The limits that testdata/answers.yaml sets, small enough to be tried.
const (
	maxEventSize     = 64 << 10
	maxRequestSize   = 256 << 10
	maxRequestEvents = 50
)

// post is a request with a JSON body.
func post(t *testing.T, c *collector.Collector, body string, headers ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL("/v1/feedback"), strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return req
}

// good is a valid event; ids of those that were accepted are looked for later.
func good() string {
	return fmt.Sprintf(`{"type":"user_feedback","event_id":%q,"session_id":"s","request_id":%q,"comment":"fine"}`, uuid.NewString(), uuid.NewString())
}

// health is a valid event with members added or, by their name, replaced.
func health(members string) string {
	return edit(`{
	"type":"system_health","service_name":"svc","status":"healthy","error_rate":0.1,"availability":0.9,
	"resources":{"cpu_percent":1,"memory_mb":1,"memory_percent":1,"network_mbps":1},"active_requests":1}`, members)
}

func feedback(members string) string {
	return edit(`{"type":"user_feedback","session_id":"s","request_id":"`+uuid.NewString()+`"}`, members)
}

func performance(members string) string {
	return edit(`{"type":"performance_metrics","request_id":"`+uuid.NewString()+`",
	"model_id":"m","provider":"p","latency_ms":1,"tokens_input":1,"tokens_output":2,"tokens_total":3,"cost_usd":0,"success":true}`, members)
}

func response(members string) string {
	return edit(`{"type":"model_response","request_id":"`+uuid.NewString()+`","model_id":"m",
	"prompt_hash":"h","response_length":1,"finish_reason":"stop","model_params":{"temperature":1,"top_p":1,"max_tokens":1}}`, members)
}

func experiment(members string) string {
	return edit(`{"type":"experiment_result","experiment_id":"`+uuid.NewString()+`",
	"experiment_type":"a_b_test","variant_id":"v","request_id":"`+uuid.NewString()+`","reward":1,
	"metrics":{"cost":1,"quality":1,"latency_ms":1}}`, members)
}

// edit sets members of an event; a value of null stays null.
func edit(event, members string) string {
	if members == "" {
		return event
	}
	var base, changes map[string]json.RawMessage
	must(json.Unmarshal([]byte(event), &base))
	must(json.Unmarshal([]byte("{"+members+"}"), &changes))
	var b bytes.Buffer
	b.WriteString(`{"type":` + string(base["type"]))
	for name, v := range base {
		if _, changed := changes[name]; !changed && name != "type" {
			fmt.Fprintf(&b, ",%q:%s", name, v)
		}
	}
	if t, changed := changes["type"]; changed {
		b.Reset()
		b.WriteString(`{"type":` + string(t))
		for name, v := range base {
			if _, changed := changes[name]; !changed {
				fmt.Fprintf(&b, ",%q:%s", name, v)
			}
		}
		delete(changes, "type")
	}
	for name, v := range changes {
		fmt.Fprintf(&b, ",%q:%s", name, v)
	}
	b.WriteByte('}')
	return b.String()
}

func must(err error) {
	if err != nil {
		panic(err) // a test's own text is wrong
	}
}

// deep nests n arrays.
func deep(n int) string { return strings.Repeat("[", n) + `"` + marker + `"` + strings.Repeat("]", n) }

func long(n int) string { return marker + strings.Repeat("x", n-len(marker)) }

// badEvent is one event that is refused, and why.
type badEvent struct {
	name, event string
	code, field string
}

// badEvents has every code that one event can get.
func badEvents() []badEvent {
	old := time.Now().Add(-8 * 24 * time.Hour).UTC().Format(time.RFC3339)
	early := time.Now().Add(10 * time.Minute).UTC().Format(time.RFC3339)
	return []badEvent{
		{"type of none", health(`"type":"` + marker + `"`), "unknown_type", "type"},
		{"no type", `{"session_id":"` + marker + `"}`, "missing_field", "type"},
		{"type no string", `{"type":["` + marker + `"]}`, "invalid_type", "type"},
		{"required null", feedback(`"session_id":null`), "missing_field", "session_id"},
		{"required empty", feedback(`"session_id":""`), "missing_field", "session_id"},
		{"required UUID empty", feedback(`"request_id":""`), "missing_field", "request_id"},
		{"required nested", response(`"model_params":{"temperature":1,"max_tokens":1}`), "missing_field", "model_params.top_p"},
		{"string is number", feedback(`"user_id":7357`), "invalid_type", "user_id"},
		{"number is string", feedback(`"rating":"` + marker + `"`), "invalid_type", "rating"},
		{"integer has fraction", health(`"active_requests":1.5`), "invalid_type", "active_requests"},
		{"bool is string", performance(`"success":"` + marker + `"`), "invalid_type", "success"},
		{"object is array", health(`"resources":["` + marker + `"]`), "invalid_type", "resources"},
		{"list holds number", feedback(`"tags":["a","b",3]`), "invalid_type", "tags[2]"},
		{"metadata null", feedback(`"metadata":{"k":null}`), "invalid_type", "metadata.k"},
		{"unsafe name", feedback(`"metadata":{"ok":"v","` + marker + ` is not a name":1}`), "invalid_type", "metadata[#1]"},
		{"custom metric string", performance(`"custom_metrics":{"m":"` + marker + `"}`), "invalid_type", "custom_metrics.m"},
		{"not in set", feedback(`"thumbs":"` + marker + `"`), "invalid_value", "thumbs"},
		{"empty in set", feedback(`"thumbs":""`), "invalid_value", "thumbs"},
		{"nil UUID", feedback(`"request_id":"00000000-0000-0000-0000-000000000000"`), "invalid_value", "request_id"},
		{"zero trace", feedback(`"trace_id":"00000000000000000000000000000000"`), "invalid_value", "trace_id"},
		{"zero span", feedback(`"span_id":"0000000000000000"`), "invalid_value", "span_id"},
		{"experiment type", experiment(`"experiment_type":"` + marker + `"`), "invalid_value", "experiment_type"},
		{"no UUID", feedback(`"request_id":"` + marker + `"`), "invalid_format", "request_id"},
		{"event id no UUID", feedback(`"event_id":"` + marker + `"`), "invalid_format", "event_id"},
		{"UUID in braces", feedback(`"request_id":"{` + uuid.NewString() + `}"`), "invalid_format", "request_id"},
		{"no hex", feedback(`"trace_id":"` + marker + `"`), "invalid_format", "trace_id"},
		{"no time", feedback(`"timestamp":"` + marker + `"`), "invalid_format", "timestamp"},
		{"lower-case z", feedback(`"timestamp":"` + strings.ToLower(time.Now().UTC().Format(time.RFC3339)) + `"`), "invalid_format", "timestamp"},
		{"too old", feedback(`"timestamp":"` + old + `"`), "out_of_range", "timestamp"},
		{"too early", feedback(`"timestamp":"` + early + `"`), "out_of_range", "timestamp"},
		{"rating above", feedback(`"rating":5.5`), "out_of_range", "rating"},
		{"negative", performance(`"latency_ms":-1`), "out_of_range", "latency_ms"},
		{"share above one", health(`"error_rate":1.01`), "out_of_range", "error_rate"},
		{"nested bound", response(`"model_params":{"temperature":1,"top_p":1.5,"max_tokens":1}`), "out_of_range", "model_params.top_p"},
		{"beyond int64", health(`"active_requests":9223372036854775808`), "out_of_range", "active_requests"},
		{"beyond double", experiment(`"reward":1e999`), "out_of_range", "reward"},
		{"unknown beyond int64", feedback(`"x_count":92233720368547758080`), "out_of_range", "x_count"},
		{"comment too long", feedback(`"comment":"` + long(1001) + `"`), "too_long", "comment"},
		{"string too long", feedback(`"user_id":"` + long(10_001) + `"`), "too_long", "user_id"},
		{"tag too long", feedback(`"tags":["` + long(10_001) + `"]`), "too_long", "tags[0]"},
		{"too deep", feedback(`"x_deep":` + deep(10)), "too_deep", ""},
		{"far too deep", feedback(`"x_deep":` + deep(500)), "too_deep", ""},
		{"too large", feedback(`"x_large":[` + strings.TrimSuffix(strings.Repeat(`"`+marker+`",`, maxEventSize/12), ",") + `]`), "too_large", ""},
		{"NUL", feedback(`"user_id":"` + marker + `\u0000"`), "invalid_characters", "user_id"},
		{"escape", feedback(`"comment":"` + marker + `\u001b[0m"`), "invalid_characters", "comment"},
		{"C1", feedback(`"tags":["` + marker + `\u0085"]`), "invalid_characters", "tags[0]"},
		{"sum", performance(`"tokens_total":4`), "schema_violation", "tokens_total"},
		{"null", `null`, "invalid_type", ""},
		{"number", `42`, "invalid_type", ""},
		{"string", `"` + marker + `"`, "invalid_type", ""},
		{"list in a list", `["` + marker + `"]`, "invalid_type", ""},
	}
}

// answering is a collector whose answers are tested, and what it must have
// accepted in the end.
type answering struct {
	*collector.Collector
	*stream
	client   *http.Client
	accepted atomic.Int64
}

func newAnswering(t *testing.T, more ...string) *answering {
	s := newStream(t)
	configs := append([]string{collector.ConfigFile("collector.yaml"), "testdata/answers.yaml"}, more...)
	for i, name := range configs {
		configs[i] = absolute(t, name)
	}
	return &answering{
		Collector: collector.Run(t, collector.Options{Configs: configs, Env: s.env()}), stream: s, client: httpClient(t),
	}
}

// ask sends a request; the answer must not hold the marker.
func (a *answering) ask(t *testing.T, req *http.Request) *send.Answer {
	t.Helper()
	answer, err := send.Do(a.client, req)
	require.NoError(t, err)
	a.accepted.Add(int64(answer.Accepted))
	assert.NotContains(t, answer.Body, marker)
	assert.NotContains(t, fmt.Sprint(answer.Header), marker)
	if len(answer.Body) > 0 {
		assert.Contains(t, answer.Header.Get("Content-Type"), "application/json")
	}
	return answer
}

// close checks what became of everything that was sent.
func (a *answering) close(t *testing.T) {
	t.Helper()
	code, err := a.Stop(30 * time.Second)
	require.NoError(t, err)
	assert.Zero(t, code)
	a.AssertUnsaid(t, marker)
	records, err := a.reader.All(t.Context(), a.topic)
	require.NoError(t, err)
	assert.Len(t, records, int(a.accepted.Load()), "records of the accepted events")
	for _, rec := range records {
		value, err := events.Parse(rec.Value)
		require.NoError(t, err)
		assert.NotContains(t, string(rec.Value), marker, value.Text("type"))
	}
}

// TestRefusedEvents sends each bad event alone, and between good ones in every
// shape.
func TestRefusedEvents(t *testing.T) {
	a := newAnswering(t)
	for _, bad := range badEvents() {
		t.Run(bad.name, func(t *testing.T) {
			alone := a.ask(t, post(t, a.Collector, "["+bad.event+"]"))
			if bad.code == "too_large" {
				assert.Equal(t, http.StatusRequestEntityTooLarge, alone.Status, alone.Body)
				require.NotNil(t, alone.Error, alone.Body)
				assert.Equal(t, "too_large", alone.Error.Code)
			} else {
				assert.Equal(t, http.StatusBadRequest, alone.Status, alone.Body)
				assert.Equal(t, 1, alone.Rejected)
				assert.Zero(t, alone.Accepted)
				assertError(t, alone, 0, bad)
			}
			for shape, body := range map[string]string{
				"array":    "[" + good() + "," + bad.event + "," + good() + "]",
				"envelope": `{"events":[` + good() + "," + bad.event + "," + good() + "]}",
				"NDJSON":   good() + "\n" + oneLine(bad.event) + "\n" + good(),
			} {
				mediaType := map[bool]string{true: "application/x-ndjson", false: "application/json"}[shape == "NDJSON"]
				mixed := a.ask(t, post(t, a.Collector, body, "Content-Type", mediaType))
				assert.Equal(t, http.StatusMultiStatus, mixed.Status, "%s: %s", shape, mixed.Body)
				assert.Equal(t, 2, mixed.Accepted, shape)
				assert.Equal(t, 1, mixed.Rejected, shape)
				if assert.Len(t, mixed.EventIDs, 3, shape) {
					assert.NotNil(t, mixed.EventIDs[0], shape)
					assert.Nil(t, mixed.EventIDs[1], shape)
					assert.NotNil(t, mixed.EventIDs[2], shape)
				}
				assertError(t, mixed, 1, bad)
			}
		})
	}
	a.close(t)
}

func oneLine(event string) string { return strings.NewReplacer("\n", "", "\t", "").Replace(event) }

// assertError looks for the error among those of the event; there may be more.
func assertError(t *testing.T, a *send.Answer, index int, bad badEvent) {
	t.Helper()
	for _, e := range a.Errors {
		assert.Equal(t, index, e.Index)
		assert.NotEmpty(t, e.Message)
		if e.Code == bad.code && (e.Field == bad.field || bad.field == "") {
			return
		}
	}
	t.Errorf("no error %s of field %q: %s", bad.code, bad.field, a.Body)
}

// TestUnknownFieldsRefused covers the code that only a setting brings.
func TestUnknownFieldsRefused(t *testing.T) {
	a := newAnswering(t, "yaml:processors::feedbackvalidation::unknown_fields: reject")
	bad := badEvent{event: feedback(`"x_more":"` + marker + `"`), code: "unknown_field", field: "x_more"}
	answer := a.ask(t, post(t, a.Collector, "["+good()+","+bad.event+"]"))
	assert.Equal(t, http.StatusMultiStatus, answer.Status)
	assertError(t, answer, 1, bad)
	bad = badEvent{event: feedback(`"` + marker + `@example.com":1`), code: "unknown_field"}
	answer = a.ask(t, post(t, a.Collector, bad.event))
	assert.Equal(t, http.StatusBadRequest, answer.Status)
	assertError(t, answer, 0, bad)
	a.close(t)
}

// TestErrorsOfARequest covers what an answer says of events together.
func TestErrorsOfARequest(t *testing.T) {
	a := newAnswering(t)

	id := uuid.NewString()
	twice := feedback(`"event_id":"` + id + `"`)
	answer := a.ask(t, post(t, a.Collector, "["+twice+","+good()+","+edit(twice, `"event_id":"`+strings.ToUpper(id)+`"`)+"]"))
	assert.Equal(t, http.StatusMultiStatus, answer.Status)
	require.Len(t, answer.Errors, 1, answer.Body)
	assert.Equal(t, "duplicate_event_id", answer.Errors[0].Code)
	assert.Equal(t, 2, answer.Errors[0].Index)
	assert.Equal(t, id, answer.Errors[0].EventID)

	// Several faults of one event, with the id it came with.
	id = uuid.NewString()
	answer = a.ask(t, post(t, a.Collector, feedback(`"event_id":"`+id+`","rating":9,"thumbs":"`+marker+`","session_id":null`)))
	assert.Equal(t, http.StatusBadRequest, answer.Status)
	codes := map[string]string{}
	for _, e := range answer.Errors {
		codes[e.Field] = e.Code
		assert.Equal(t, id, e.EventID)
	}
	assert.Equal(t, map[string]string{"rating": "out_of_range", "thumbs": "invalid_value", "session_id": "missing_field"}, codes)
	assert.False(t, answer.Truncated)

	// Ten of one event are given.
	answer = a.ask(t, post(t, a.Collector, feedback(`"tags":[`+strings.TrimSuffix(strings.Repeat("1,", 20), ",")+`]`)))
	assert.Equal(t, http.StatusBadRequest, answer.Status)
	assert.Len(t, answer.Errors, 10)
	assert.True(t, answer.Truncated)

	// Ids are answered as published, and made where there is none.
	id = uuid.NewString()
	answer = a.ask(t, post(t, a.Collector, "["+feedback(`"event_id":"`+strings.ToUpper(id)+`"`)+","+feedback("")+"]"))
	assert.Equal(t, http.StatusAccepted, answer.Status)
	require.Len(t, answer.EventIDs, 2)
	assert.Equal(t, id, *answer.EventIDs[0])
	made, err := uuid.Parse(*answer.EventIDs[1])
	require.NoError(t, err)
	assert.Equal(t, uuid.Version(7), made.Version())
	a.close(t)
}

// absolute is a configuration as the collector, which runs elsewhere, finds it.
func absolute(t *testing.T, config string) string {
	if strings.HasPrefix(config, "yaml:") {
		return config
	}
	path, err := filepath.Abs(config)
	require.NoError(t, err)
	return path
}

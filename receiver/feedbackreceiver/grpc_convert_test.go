// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// convertOne returns the body of one event.
func convertOne(e *feedbackv1.FeedbackEvent) pcommon.Map {
	logs := toLogs([]*feedbackv1.FeedbackEvent{e}, 1, traceContext{})
	return logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().Map()
}

func names(m pcommon.Map) []string {
	var out []string
	for name := range m.All() {
		out = append(out, name)
	}
	return out
}

// The messages and the schema table must say the same thing of every field, and
// the conversion must know each of them.
func TestGRPCMessagesMatchSchema(t *testing.T) {
	for _, schema := range feedback.Schemas() {
		t.Run(schema.Type, func(t *testing.T) {
			event := &feedbackv1.FeedbackEvent{}
			fd := event.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(schema.Type))
			require.NotNil(t, fd, "the oneof has no such type")
			require.NotNil(t, fd.ContainingOneof())
			fill(event.ProtoReflect().Mutable(fd).Message())
			event.EventId, event.TraceId, event.SpanId = proto.String("a"), proto.String("b"), proto.String("c")
			event.Timestamp = timestamppb.Now()

			body := convertOne(event)
			var want []string
			for i := range schema.Fields {
				want = append(want, schema.Fields[i].Name)
			}
			assert.Equal(t, want, names(body), "fields and their order")
			for i := range schema.Fields {
				f := &schema.Fields[i]
				if slices.Contains([]string{"type", "event_id", "timestamp", "trace_id", "span_id"}, f.Name) {
					continue
				}
				v, _ := body.Get(f.Name)
				compareField(t, f, fd.Message().Fields().ByName(protoreflect.Name(f.Name)), v)
			}
			assert.Equal(t, fd.Message().Fields().Len(), len(schema.Fields)-5, "fields of the message")
		})
	}
}

// fill sets every field of a message, and of those inside.
func fill(m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		switch {
		case fd.IsMap():
			v := protoreflect.ValueOfString("v")
			if fd.MapValue().Kind() == protoreflect.DoubleKind {
				v = protoreflect.ValueOfFloat64(1)
			}
			m.Mutable(fd).Map().Set(protoreflect.ValueOfString("k").MapKey(), v)
		case fd.IsList():
			m.Mutable(fd).List().Append(protoreflect.ValueOfString("v"))
		case fd.Kind() == protoreflect.MessageKind:
			fill(m.Mutable(fd).Message())
		case fd.Kind() == protoreflect.EnumKind:
			m.Set(fd, protoreflect.ValueOfEnum(1))
		case fd.Kind() == protoreflect.StringKind:
			m.Set(fd, protoreflect.ValueOfString("v"))
		case fd.Kind() == protoreflect.BoolKind:
			m.Set(fd, protoreflect.ValueOfBool(true))
		case fd.Kind() == protoreflect.Int64Kind:
			m.Set(fd, protoreflect.ValueOfInt64(1))
		case fd.Kind() == protoreflect.DoubleKind:
			m.Set(fd, protoreflect.ValueOfFloat64(1))
		}
	}
}

func compareField(t *testing.T, f *feedback.Field, fd protoreflect.FieldDescriptor, v pcommon.Value) {
	require.NotNil(t, fd, f.Name)
	assert.True(t, fd.HasPresence() || fd.IsList() || fd.IsMap(), "%s: presence must be explicit", f.Name)
	kinds := map[feedback.Kind]struct {
		proto protoreflect.Kind
		body  pcommon.ValueType
	}{
		feedback.KindString:     {protoreflect.StringKind, pcommon.ValueTypeStr},
		feedback.KindUUID:       {protoreflect.StringKind, pcommon.ValueTypeStr},
		feedback.KindEnum:       {protoreflect.EnumKind, pcommon.ValueTypeStr},
		feedback.KindBool:       {protoreflect.BoolKind, pcommon.ValueTypeBool},
		feedback.KindInteger:    {protoreflect.Int64Kind, pcommon.ValueTypeInt},
		feedback.KindNumber:     {protoreflect.DoubleKind, pcommon.ValueTypeDouble},
		feedback.KindObject:     {protoreflect.MessageKind, pcommon.ValueTypeMap},
		feedback.KindStringList: {protoreflect.StringKind, pcommon.ValueTypeSlice},
		feedback.KindStringMap:  {protoreflect.MessageKind, pcommon.ValueTypeMap},
		feedback.KindNumberMap:  {protoreflect.MessageKind, pcommon.ValueTypeMap},
	}
	want, ok := kinds[f.Kind]
	require.True(t, ok, "%s: kind %d", f.Name, f.Kind)
	assert.Equal(t, want.proto, fd.Kind(), f.Name)
	assert.Equal(t, want.body, v.Type(), f.Name)
	switch f.Kind {
	case feedback.KindEnum:
		assert.Equal(t, len(f.Enum)+1, fd.Enum().Values().Len(), "%s: values, with the unspecified one", f.Name)
		assert.Equal(t, f.Enum[0], v.Str(), f.Name)
	case feedback.KindObject:
		var inner []string
		for i := range f.Fields {
			inner = append(inner, f.Fields[i].Name)
			member, _ := v.Map().Get(f.Fields[i].Name)
			compareField(t, &f.Fields[i], fd.Message().Fields().ByName(protoreflect.Name(f.Fields[i].Name)), member)
		}
		assert.Equal(t, inner, names(v.Map()), f.Name)
		assert.Equal(t, len(inner), fd.Message().Fields().Len(), f.Name)
	}
}

func TestGRPCEnumNames(t *testing.T) {
	enums := map[string]struct {
		values protoreflect.EnumValueDescriptors
		name   func(protoreflect.EnumNumber) string
		want   []string
	}{
		"thumbs": {
			feedbackv1.Thumbs(0).Descriptor().Values(),
			func(n protoreflect.EnumNumber) string { return thumbsName(feedbackv1.Thumbs(n)) },
			[]string{"", "up", "down"},
		},
		"status": {
			feedbackv1.HealthStatus(0).Descriptor().Values(),
			func(n protoreflect.EnumNumber) string { return healthStatusName(feedbackv1.HealthStatus(n)) },
			[]string{"", "healthy", "degraded", "unhealthy"},
		},
		"experiment_type": {
			feedbackv1.ExperimentType(0).Descriptor().Values(),
			func(n protoreflect.EnumNumber) string { return experimentTypeName(feedbackv1.ExperimentType(n)) },
			[]string{"", "a_b_test", "multi_armed_bandit", "parameter_tuning"},
		},
	}
	for field, e := range enums {
		t.Run(field, func(t *testing.T) {
			require.Equal(t, len(e.want), e.values.Len())
			for i, want := range e.want {
				assert.Equal(t, want, e.name(e.values.Get(i).Number()))
			}
			assert.Equal(t, "99", e.name(99), "a number of the future")
			assert.Equal(t, "-1", e.name(-1))
		})
	}
}

func TestGRPCTimestamps(t *testing.T) {
	tests := map[string]struct {
		in   *timestamppb.Timestamp
		want string
	}{
		"whole seconds":        {&timestamppb.Timestamp{Seconds: 1700000000}, "2023-11-14T22:13:20Z"},
		"nanoseconds":          {&timestamppb.Timestamp{Seconds: 1700000000, Nanos: 1}, "2023-11-14T22:13:20.000000001Z"},
		"before 1970":          {&timestamppb.Timestamp{Seconds: -1, Nanos: 500_000_000}, "1969-12-31T23:59:59.5Z"},
		"zero":                 {&timestamppb.Timestamp{}, "1970-01-01T00:00:00Z"},
		"year 1":               {&timestamppb.Timestamp{Seconds: -62135596800}, "0001-01-01T00:00:00Z"},
		"year 0":               {&timestamppb.Timestamp{Seconds: -62135596801}, unsettableTimestamp},
		"year 10000":           {&timestamppb.Timestamp{Seconds: 253402300800}, unsettableTimestamp},
		"largest":              {&timestamppb.Timestamp{Seconds: math.MaxInt64}, unsettableTimestamp},
		"negative nanoseconds": {&timestamppb.Timestamp{Seconds: 1, Nanos: -1}, unsettableTimestamp},
		"too many nanoseconds": {&timestamppb.Timestamp{Seconds: 1, Nanos: 1_000_000_000}, unsettableTimestamp},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			body := convertOne(&feedbackv1.FeedbackEvent{Timestamp: tt.in})
			v, ok := body.Get("timestamp")
			require.True(t, ok)
			assert.Equal(t, tt.want, v.Str())
		})
	}
}

func TestGRPCAbsenceAndOrder(t *testing.T) {
	assert.Empty(t, names(convertOne(&feedbackv1.FeedbackEvent{})), "nothing sent, nothing said")
	assert.Equal(t, []string{"type"}, names(convertOne(userEvent(&feedbackv1.UserFeedback{}))))

	u := &feedbackv1.UserFeedback{Metadata: map[string]string{}}
	var want []string
	for i := range 50 {
		name := fmt.Sprintf("k%02d", i)
		u.Metadata[name] = name
		want = append(want, name)
	}
	metadata, _ := convertOne(userEvent(u)).Get("metadata")
	assert.Equal(t, want, names(metadata.Map()))

	// What is present without content is present, for validation to refuse.
	model := &feedbackv1.FeedbackEvent{Event: &feedbackv1.FeedbackEvent_ModelResponse{ModelResponse: &feedbackv1.ModelResponse{
		QualityDimensions: &feedbackv1.QualityDimensions{}, ModelParams: &feedbackv1.ModelParams{}, ModelId: proto.String(""),
	}}}
	assert.Equal(t, map[string]any{
		"type": "model_response", "model_id": "", "quality_dimensions": map[string]any{}, "model_params": map[string]any{},
	}, convertOne(model).AsRaw())
}

// Each event has a body of its own, also where builders are used again.
func TestGRPCBodiesAreApart(t *testing.T) {
	events := make([]*feedbackv1.FeedbackEvent, 20)
	for i := range events {
		u := &feedbackv1.UserFeedback{SessionId: proto.String(fmt.Sprint(i))}
		if i%2 == 0 {
			u.Metadata = map[string]string{"n": fmt.Sprint(i)}
		}
		events[i] = userEvent(u)
	}
	receipt := pcommon.NewTimestampFromTime(time.Unix(1, 0))
	tc := traceContext{traceID: pcommon.TraceID{1}, spanID: pcommon.SpanID{2}, flags: plog.LogRecordFlags(1)}
	records := toLogs(events, receipt, tc).ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	require.Equal(t, len(events), records.Len())
	for i := range events {
		lr := records.At(i)
		want := map[string]any{"type": "user_feedback", "session_id": fmt.Sprint(i)}
		if i%2 == 0 {
			want["metadata"] = map[string]any{"n": fmt.Sprint(i)}
		}
		assert.Equal(t, want, lr.Body().Map().AsRaw())
		assert.Equal(t, receipt, lr.ObservedTimestamp())
		assert.Equal(t, tc.traceID, lr.TraceID())
		assert.Equal(t, tc.spanID, lr.SpanID())
		assert.Equal(t, tc.flags, lr.Flags())
	}
}

// What protobuf can say and the contract does not take is refused with its code.
func TestGRPCCornersAreJudged(t *testing.T) {
	user := func(change func(*feedbackv1.UserFeedback)) *feedbackv1.FeedbackEvent {
		e := goodEvent()
		change(e.GetUserFeedback())
		return e
	}
	perf := func(change func(*feedbackv1.PerformanceMetrics)) *feedbackv1.FeedbackEvent {
		p := goodPerformance()
		change(p)
		return &feedbackv1.FeedbackEvent{Event: &feedbackv1.FeedbackEvent_PerformanceMetrics{PerformanceMetrics: p}}
	}
	health := func(s *feedbackv1.HealthStatus) *feedbackv1.FeedbackEvent {
		h := goodHealth()
		h.Status = s
		return &feedbackv1.FeedbackEvent{Event: &feedbackv1.FeedbackEvent_SystemHealth{SystemHealth: h}}
	}
	common := func(change func(*feedbackv1.FeedbackEvent)) *feedbackv1.FeedbackEvent {
		e := goodEvent()
		change(e)
		return e
	}
	tests := map[string]struct {
		event *feedbackv1.FeedbackEvent
		code  feedback.Code
		field string
	}{
		"good":                   {goodEvent(), "", ""},
		"good performance":       {perf(func(*feedbackv1.PerformanceMetrics) {}), "", ""},
		"good health":            {health(feedbackv1.HealthStatus_HEALTH_STATUS_DEGRADED.Enum()), "", ""},
		"no type":                {&feedbackv1.FeedbackEvent{}, feedback.CodeMissingField, "type"},
		"optional unspecified":   {user(func(u *feedbackv1.UserFeedback) { u.Thumbs = feedbackv1.Thumbs_THUMBS_UNSPECIFIED.Enum() }), feedback.CodeInvalidValue, "thumbs"},
		"optional of the future": {user(func(u *feedbackv1.UserFeedback) { u.Thumbs = feedbackv1.Thumbs(7).Enum() }), feedback.CodeInvalidValue, "thumbs"},
		"required absent":        {health(nil), feedback.CodeMissingField, "status"},
		"required unspecified":   {health(feedbackv1.HealthStatus_HEALTH_STATUS_UNSPECIFIED.Enum()), feedback.CodeMissingField, "status"},
		"required of the future": {health(feedbackv1.HealthStatus(7).Enum()), feedback.CodeInvalidValue, "status"},
		"NaN":                    {user(func(u *feedbackv1.UserFeedback) { u.Rating = proto.Float64(math.NaN()) }), feedback.CodeOutOfRange, "rating"},
		"infinite":               {perf(func(p *feedbackv1.PerformanceMetrics) { p.CostUsd = proto.Float64(math.Inf(1)) }), feedback.CodeOutOfRange, "cost_usd"},
		"infinite in a map":      {perf(func(p *feedbackv1.PerformanceMetrics) { p.CustomMetrics = map[string]float64{"m": math.Inf(-1)} }), feedback.CodeOutOfRange, "custom_metrics.m"},
		"negative integer":       {perf(func(p *feedbackv1.PerformanceMetrics) { p.TokensInput = proto.Int64(-1) }), feedback.CodeOutOfRange, "tokens_input"},
		"timestamp of year 0":    {common(func(e *feedbackv1.FeedbackEvent) { e.Timestamp = &timestamppb.Timestamp{Seconds: math.MinInt64} }), feedback.CodeInvalidFormat, "timestamp"},
		"timestamp of 1970":      {common(func(e *feedbackv1.FeedbackEvent) { e.Timestamp = &timestamppb.Timestamp{} }), feedback.CodeOutOfRange, "timestamp"},
		"empty event id":         {common(func(e *feedbackv1.FeedbackEvent) { e.EventId = proto.String("") }), feedback.CodeInvalidValue, "event_id"},
		"trace id of zeros":      {common(func(e *feedbackv1.FeedbackEvent) { e.TraceId = proto.String("00000000000000000000000000000000") }), feedback.CodeInvalidValue, "trace_id"},
		"control character":      {user(func(u *feedbackv1.UserFeedback) { u.Comment = proto.String(marker + "\x00") }), feedback.CodeInvalidCharacters, "comment"},
	}
	h := newGRPCHarness(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			answer, err := h.submit(t, tt.event)
			if tt.code == "" {
				require.NoError(t, err)
				assert.EqualValues(t, 1, answer.Accepted)
				return
			}
			st := hasStatus(t, err, codes.InvalidArgument, false)
			violations := badRequest(t, st)
			require.NotEmpty(t, violations)
			assert.Equal(t, string(tt.code), violations[0].Reason)
			assert.Equal(t, "events[0]."+tt.field, violations[0].Field)
		})
	}
}

func goodPerformance() *feedbackv1.PerformanceMetrics {
	return &feedbackv1.PerformanceMetrics{
		RequestId: proto.String(testRequestID), ModelId: proto.String("m"), Provider: proto.String("p"),
		LatencyMs: proto.Float64(1), TokensInput: proto.Int64(1), TokensOutput: proto.Int64(2), TokensTotal: proto.Int64(3),
		CostUsd: proto.Float64(0), Success: proto.Bool(true),
	}
}

func goodHealth() *feedbackv1.SystemHealth {
	return &feedbackv1.SystemHealth{
		ServiceName: proto.String("s"), ErrorRate: proto.Float64(0), Availability: proto.Float64(1),
		Resources: &feedbackv1.Resources{
			CpuPercent: proto.Float64(1), MemoryMb: proto.Float64(1), MemoryPercent: proto.Float64(1), NetworkMbps: proto.Float64(1),
		},
		ActiveRequests: proto.Int64(0),
	}
}

// FuzzGRPCConvert: no message makes conversion or validation panic.
func FuzzGRPCConvert(f *testing.F) {
	for _, e := range []*feedbackv1.FeedbackEvent{goodEvent(), {}, {Timestamp: &timestamppb.Timestamp{Seconds: math.MaxInt64}}} {
		seed, err := proto.Marshal(&feedbackv1.SubmitRequest{Events: []*feedbackv1.FeedbackEvent{e}})
		require.NoError(f, err)
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		req := &feedbackv1.SubmitRequest{}
		if proto.Unmarshal(message, req) != nil {
			return
		}
		records := toLogs(req.Events, 1, traceContext{}).ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
		require.Equal(t, len(req.Events), records.Len())
		validator := newGRPCPipeline().validator
		for i := range records.Len() {
			validator.Validate(records.At(i), 0, time.Now())
		}
	})
}

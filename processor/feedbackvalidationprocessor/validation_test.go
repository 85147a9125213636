// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackvalidationprocessor

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/internal/runtimetest"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackvalidationprocessor/internal/metadata"
)

const (
	idA  = "11111111-1111-4111-8111-111111111111"
	idB  = "22222222-2222-4222-8222-222222222222"
	good = `{"type":"user_feedback","session_id":"s","request_id":"550e8400-e29b-41d4-a716-446655440000","event_id":"`
	bad  = `{"type":"user_feedback","session_id":"s","request_id":"MARKER","event_id":"`
)

func valid(id string) string   { return good + id + `"}` }
func invalid(id string) string { return bad + id + `"}` }

// harness is a processor with a sink behind it.
type harness struct {
	processor.Logs
	sink      *consumertest.LogsSink
	telemetry *componenttest.Telemetry
}

func newHarness(t *testing.T, onInvalid string) *harness {
	t.Helper()
	h := &harness{sink: new(consumertest.LogsSink), telemetry: componenttest.NewTelemetry()}
	t.Cleanup(func() { require.NoError(t, h.telemetry.Shutdown(context.Background())) })
	cfg := createDefaultConfig().(*Config)
	cfg.OnInvalid = onInvalid
	var err error
	h.Logs, err = NewFactory().CreateLogs(context.Background(), settings(h.telemetry), cfg, h.sink)
	require.NoError(t, err)
	assert.Equal(t, consumer.Capabilities{MutatesData: true}, h.Capabilities())
	require.NoError(t, h.Start(context.Background(), runtimetest.Host(t, h.telemetry)))
	return h
}

func settings(tel *componenttest.Telemetry) processor.Settings {
	set := processortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	return set
}

// request decodes a body the way a receiver does.
func request(t *testing.T, body string, told bool) (context.Context, plog.Logs, *feedback.Request) {
	t.Helper()
	logs := plog.NewLogs()
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	sizes, _, fault := feedback.NewDecoder().Decode([]byte(body), feedback.FormatNDJSON, 100, records)
	require.Nil(t, fault)
	req := &feedback.Request{Transport: feedback.TransportHTTP, Sizes: sizes}
	if told {
		req.Verdicts = feedback.NewVerdicts(len(sizes))
	}
	return feedback.NewContext(context.Background(), req), logs, req
}

func (h *harness) published() (uids []string) {
	for _, logs := range h.sink.AllLogs() {
		for _, rl := range logs.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, lr := range sl.LogRecords().All() {
					uid := ""
					if v, ok := lr.Attributes().Get(feedback.AttrRecordUID); ok {
						uid = v.Str()
					}
					code, refused := lr.Attributes().Get(feedback.AttrErrorCode)
					if refused {
						uids = append(uids, "refused "+uid+" "+code.Str())
					} else {
						uids = append(uids, uid)
					}
				}
			}
		}
	}
	return uids
}

func TestVerdictsByPosition(t *testing.T) {
	h := newHarness(t, "")
	ctx, logs, req := request(t, valid(idA)+"\n"+invalid(idB)+"\n{broken\n"+valid("")+"\n"+valid(idA)+"\n"+valid(idB), true)
	require.NoError(t, h.ConsumeLogs(ctx, logs))

	require.True(t, req.Verdicts.Judged())
	var codes []feedback.Code
	for i := range req.Verdicts.Len() {
		v := req.Verdicts.At(i)
		if v.Refused() {
			codes = append(codes, v.Errors[0].Code)
			assert.NotContains(t, v.Errors[0].Error(), "MARKER")
		} else {
			codes = append(codes, "")
		}
	}
	assert.Equal(t, []feedback.Code{"", feedback.CodeInvalidFormat, feedback.CodeMalformedJSON, feedback.CodeInvalidValue, feedback.CodeDuplicateEventID, ""}, codes)
	assert.Equal(t, idA, req.Verdicts.At(0).EventID)
	assert.Equal(t, idB, req.Verdicts.At(1).EventID, "the valid id of a refused event")
	assert.Equal(t, []string{idA, idB}, h.published(), "refused events stay behind, their neighbours go on")
}

// Who asks for the outcome of a request whose sender is not told gets it, and
// the policy stays that of the sender.
func TestOutcome(t *testing.T) {
	h := newHarness(t, "")
	ctx, logs, req := request(t, valid(idA)+"\n"+invalid(idB), false)
	req.Outcome = feedback.NewVerdicts(2)
	require.NoError(t, h.ConsumeLogs(ctx, logs))
	require.True(t, req.Outcome.Judged())
	assert.Equal(t, idA, req.Outcome.At(0).EventID)
	assert.False(t, req.Outcome.At(0).Refused())
	assert.Equal(t, feedback.CodeInvalidFormat, req.Outcome.At(1).Errors[0].Code)
	assert.Equal(t, []string{idA, "refused " + idB + " invalid_format"}, h.published())

	ctx, logs, req = request(t, valid(idA), false)
	req.Outcome = feedback.NewVerdicts(2)
	require.ErrorContains(t, h.ConsumeLogs(ctx, logs), "in front of feedbackvalidation")
}

func TestDeadLettersOnRequestOfASenderThatIsTold(t *testing.T) {
	h := newHarness(t, onInvalidDeadLetter)
	ctx, logs, req := request(t, valid(idA)+"\n"+invalid(idB), true)
	require.NoError(t, h.ConsumeLogs(ctx, logs))
	assert.True(t, req.Verdicts.At(1).Refused())
	assert.Equal(t, []string{idA, "refused " + idB + " invalid_format"}, h.published())
}

func TestSendersThatCannotBeTold(t *testing.T) {
	for _, tt := range []struct {
		onInvalid string
		want      []string
		rejected  bool
	}{
		{"", []string{idA, "refused " + idB + " invalid_format", "refused  malformed_json"}, false},
		{onInvalidDeadLetter, []string{idA, "refused " + idB + " invalid_format", "refused  malformed_json"}, false},
		{onInvalidDrop, []string{idA}, false},
		{onInvalidReject, nil, true},
	} {
		t.Run("on_invalid "+tt.onInvalid, func(t *testing.T) {
			h := newHarness(t, tt.onInvalid)
			ctx, logs, _ := request(t, valid(idA)+"\n"+invalid(idB)+"\n{broken", false)
			err := h.ConsumeLogs(ctx, logs)
			if tt.rejected {
				require.Error(t, err)
				assert.True(t, consumererror.IsPermanent(err))
				assert.Equal(t, codes.InvalidArgument, status.Code(errors.Unwrap(err)))
			} else {
				require.NoError(t, err)
			}
			assert.Equal(t, tt.want, h.published())
		})
	}
}

func TestDeadLetterCarriesItsReason(t *testing.T) {
	h := newHarness(t, "")
	ctx, logs, _ := request(t, `{"type":"other","a":1e999}`, false)
	require.NoError(t, h.ConsumeLogs(ctx, logs))
	lr := h.sink.AllLogs()[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	assert.Equal(t, map[string]any{
		feedback.AttrErrorCode:    "unknown_type",
		feedback.AttrErrorField:   "type",
		feedback.AttrErrorMessage: "expected one of user_feedback, performance_metrics, model_response, system_health, experiment_result",
		feedback.AttrEventType:    feedback.TypeUnknown,
	}, lr.Attributes().AsRaw())
	assert.Equal(t, `{"type":"other","a":"+Inf"}`, string(feedback.AppendJSON(nil, lr.Body())))
}

func TestNothingValid(t *testing.T) {
	h := newHarness(t, "")
	ctx, logs, req := request(t, invalid(idA), true)
	require.NoError(t, h.ConsumeLogs(ctx, logs))
	assert.True(t, req.Verdicts.Judged())
	assert.Empty(t, h.sink.AllLogs(), "the next consumer is not called for nothing")
}

func TestWithoutARequest(t *testing.T) {
	h := newHarness(t, "")
	_, logs, _ := request(t, valid(idA), false)
	require.NoError(t, h.ConsumeLogs(context.Background(), logs))
	assert.Equal(t, []string{idA}, h.published())
}

func TestRecordsRemovedInFront(t *testing.T) {
	h := newHarness(t, "")
	ctx, logs, req := request(t, valid(idA)+"\n"+valid(idB), true)
	logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().RemoveIf(func(plog.LogRecord) bool { return req.Verdicts.Len() == 2 })
	err := h.ConsumeLogs(ctx, logs)
	require.ErrorContains(t, err, "in front of feedbackvalidation")
	assert.False(t, req.Verdicts.Judged(), "no event may be called accepted")
}

func TestErrorOfTheNextConsumer(t *testing.T) {
	fault := errors.New("fault")
	tel := componenttest.NewTelemetry()
	defer func() { require.NoError(t, tel.Shutdown(context.Background())) }()
	p, err := NewFactory().CreateLogs(context.Background(), settings(tel), createDefaultConfig(), consumertest.NewErr(fault))
	require.NoError(t, err)
	ctx, logs, _ := request(t, valid(idA), true)
	require.ErrorIs(t, p.ConsumeLogs(ctx, logs), fault)
}

func TestRejectedEventsAreCounted(t *testing.T) {
	h := newHarness(t, onInvalidDrop)
	ctx, logs, _ := request(t, valid(idA)+"\n"+invalid(idB)+"\n"+invalid(idB)+"\n{broken", false)
	require.NoError(t, h.ConsumeLogs(ctx, logs))
	assert.Equal(t, map[string]int64{"invalid_format http": 2, "malformed_json http": 1},
		runtimetest.Counts(t, h.telemetry, "otelcol_feedback_rejected_events"))
	assert.Equal(t, map[string]int64{"user_feedback http": 1},
		runtimetest.Counts(t, h.telemetry, "otelcol_feedback_accepted_events"))
}

func TestAllOfARejectedRequestCountsAsRejected(t *testing.T) {
	h := newHarness(t, onInvalidReject)
	ctx, logs, _ := request(t, valid(idA)+"\n"+invalid(idB)+"\n{broken", false)
	require.Error(t, h.ConsumeLogs(ctx, logs))
	assert.Equal(t, map[string]int64{"invalid_format http": 2, "malformed_json http": 1},
		runtimetest.Counts(t, h.telemetry, "otelcol_feedback_rejected_events"))
	assert.Empty(t, runtimetest.Counts(t, h.telemetry, "otelcol_feedback_accepted_events"))
}

// What the components behind refuse is not accepted: all of a request if they
// fail, single events if redaction took them back.
func TestOnlyWhatWasTakenIsAccepted(t *testing.T) {
	tel := componenttest.NewTelemetry()
	defer func() { require.NoError(t, tel.Shutdown(context.Background())) }()
	var fault error
	next, err := consumer.NewLogs(func(ctx context.Context, _ plog.Logs) error {
		feedback.FromContext(ctx).Unredacted.Add(feedback.TypeUserFeedback, 1)
		return fault
	})
	require.NoError(t, err)
	p, err := NewFactory().CreateLogs(context.Background(), settings(tel), createDefaultConfig(), next)
	require.NoError(t, err)
	require.NoError(t, p.Start(context.Background(), runtimetest.Host(t, tel)))

	ctx, logs, _ := request(t, valid(idA)+"\n"+valid(idB), true)
	require.NoError(t, p.ConsumeLogs(ctx, logs))
	fault = errors.New("fault")
	ctx, logs, _ = request(t, valid(idA), true)
	require.Error(t, p.ConsumeLogs(ctx, logs))
	assert.Equal(t, map[string]int64{"user_feedback http": 1}, runtimetest.Counts(t, tel, "otelcol_feedback_accepted_events"))
}

func BenchmarkConsumeLogs(b *testing.B) {
	tel := componenttest.NewTelemetry()
	defer func() { _ = tel.Shutdown(context.Background()) }()
	delivered := 0
	next, _ := consumer.NewLogs(func(_ context.Context, ld plog.Logs) error {
		delivered += ld.LogRecordCount()
		return nil
	})
	p, err := NewFactory().CreateLogs(context.Background(), settings(tel), createDefaultConfig(), next)
	require.NoError(b, err)
	template := plog.NewLogs()
	records := template.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	var sizes []int
	for range 100 {
		one, _, _ := feedback.NewDecoder().Decode([]byte(`{"type":"user_feedback","session_id":"s","request_id":"550e8400-e29b-41d4-a716-446655440000","comment":"fine"}`), feedback.FormatJSON, 1, records)
		sizes = append(sizes, one...)
	}
	sent := 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		logs := plog.NewLogs()
		template.CopyTo(logs)
		b.StartTimer()
		ctx := feedback.NewContext(context.Background(), &feedback.Request{Transport: feedback.TransportHTTP, Sizes: sizes, Verdicts: feedback.NewVerdicts(100)})
		require.NoError(b, p.ConsumeLogs(ctx, logs))
		sent += 100
	}
	require.Equal(b, sent, delivered)
}

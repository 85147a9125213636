// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

const (
	good    = `{"type":"user_feedback","comment":"` + marker + `"}`
	bad     = `{"type":"user_feedback","comment":"` + marker + `","refuse":"invalid_value"}`
	goodID  = `"` + judgedID + `"`
	badItem = `,"event_id":"` + judgedID + `","code":"invalid_value","field":"refuse","message":"expected no \"refuse\""}`
)

func TestHTTPAnswersForEvents(t *testing.T) {
	h := newHTTPHarness(t, withHTTPConfig(func(c *HTTPConfig) {
		c.MaxRequestEvents = 3
		c.ServerConfig.MaxRequestBodySize = 4096
	}))
	tests := []struct {
		name        string
		contentType string // application/json if empty, none if "-"
		body        string
		status      int
		want        string // JSON; or the code of {"error"} if it is a word
	}{
		{name: "one object", body: good, status: 202, want: `{"accepted":1,"rejected":0,"event_ids":[` + goodID + `]}`},
		{name: "array", body: "[" + good + "," + good + "]", status: 202, want: `{"accepted":2,"rejected":0,"event_ids":[` + goodID + "," + goodID + `]}`},
		{name: "envelope", body: `{"events":[` + good + "]}", status: 202, want: `{"accepted":1,"rejected":0,"event_ids":[` + goodID + `]}`},
		{name: "no content type", contentType: "-", body: good, status: 202, want: `{"accepted":1,"rejected":0,"event_ids":[` + goodID + `]}`},
		{name: "charset", contentType: "application/json; charset=UTF-8", body: good, status: 202, want: `{"accepted":1,"rejected":0,"event_ids":[` + goodID + `]}`},
		{name: "ndjson", contentType: "application/x-ndjson", body: good + "\n\n" + good + "\n", status: 202, want: `{"accepted":2,"rejected":0,"event_ids":[` + goodID + "," + goodID + `]}`},
		{name: "text, one object", contentType: "text/plain;charset=UTF-8", body: good, status: 202, want: `{"accepted":1,"rejected":0,"event_ids":[` + goodID + `]}`},
		{name: "text, lines", contentType: "text/plain", body: good + "\n" + bad, status: 207, want: `{"accepted":1,"rejected":1,"event_ids":[` + goodID + `,null],"errors":[{"index":1` + badItem + `]}`},
		{name: "byte order mark", body: "\ufeff" + good, status: 202, want: `{"accepted":1,"rejected":0,"event_ids":[` + goodID + `]}`},

		{name: "some refused", body: "[" + bad + "," + good + "]", status: 207, want: `{"accepted":1,"rejected":1,"event_ids":[null,` + goodID + `],"errors":[{"index":0` + badItem + `]}`},
		{name: "broken line", contentType: "application/x-ndjson", body: good + "\n{\"" + marker + "\n", status: 207, want: `{"accepted":1,"rejected":1,"event_ids":[` + goodID + `,null],"errors":[{"index":1,"code":"invalid_type","field":"","message":"expected an object"}]}`},
		{name: "all refused", body: bad, status: 400, want: `{"accepted":0,"rejected":1,"errors":[{"index":0` + badItem + `]}`},
		{name: "truncated by event", body: `{"refuse":"too_long","cut":1}`, status: 400, want: `{"accepted":0,"rejected":1,"errors":[{"index":0,"event_id":` + goodID + `,"code":"too_long","field":"refuse","message":"expected no \"refuse\""}],"errors_truncated":true}`},
		{name: "no object", body: `["` + marker + `"]`, status: 400, want: `{"accepted":0,"rejected":1,"errors":[{"index":0,"code":"invalid_type","field":"","message":"expected an object"}]}`},

		{name: "only event too large", body: `{"refuse":"too_large"}`, status: 413, want: "too_large"},
		{name: "too large in company", body: `[{"refuse":"too_large"},` + good + "]", status: 207, want: `{"accepted":1,"rejected":1,"event_ids":[null,` + goodID + `],"errors":[{"index":0,"event_id":` + goodID + `,"code":"too_large","field":"refuse","message":"expected no \"refuse\""}]}`},
		{name: "too many events", body: "[" + strings.Repeat(good+",", 3) + good + "]", status: 413, want: "too_large"},
		{name: "too many lines", contentType: "application/x-ndjson", body: strings.Repeat(good+"\n", 4), status: 413, want: "too_large"},
		{name: "body too large", body: `{"comment":"` + strings.Repeat("x", 4096) + `"}`, status: 413, want: "too_large"},

		{name: "charset of old", contentType: "application/json; charset=iso-8859-1", body: good, status: 415, want: "unsupported_media_type"},
		{name: "form", contentType: "application/x-www-form-urlencoded", body: good, status: 415, want: "unsupported_media_type"},
		{name: "no media type", contentType: ";;", body: good, status: 415, want: "unsupported_media_type"},

		{name: "empty array", body: "[]", status: 400},
		{name: "empty envelope", body: `{"events":[]}`, status: 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			contentType := tt.contentType
			if contentType == "" {
				contentType = "application/json"
			}
			header := []string{"Content-Type", contentType}
			if contentType == "-" {
				header = nil
			}
			got := h.send(tt.body, header...)
			switch {
			case tt.want == "":
				assert.Equal(t, tt.status, got.status)
				var body struct {
					Rejected int
					Errors   []struct{ Code, Field string }
				}
				require.NoError(t, json.Unmarshal([]byte(got.body), &body))
				assert.Zero(t, body.Rejected)
				require.Len(t, body.Errors, 1)
				assert.Equal(t, "missing_field", body.Errors[0].Code)
				assert.Equal(t, "events", body.Errors[0].Field)
			case !strings.HasPrefix(tt.want, "{"):
				got.refused(t, tt.status, tt.want)
			default:
				assert.Equal(t, tt.status, got.status)
				assert.Equal(t, tt.want+"\n", got.body)
				assert.Equal(t, "application/json", got.header.Get("Content-Type"))
			}
		})
	}
}

func TestHTTPBrokenBody(t *testing.T) {
	h := newHTTPHarness(t)
	for name, tt := range map[string]struct {
		body  string
		index int
	}{
		"empty":             {"", 0},
		"white space":       {" \n", 0},
		"cut":               {"[" + good + "," + good[:20], 1},
		"trailing":          {good + marker, 1},
		"duplicate name":    {"[" + good + `,{"a":1,"a":2}]`, 1},
		"unclosed":          {"[[[[", 0},
		"second value":      {good + good, 1},
		"lone surrogate":    {`[{"a":"\ud800"}]`, 0},
		"invalid UTF-8":     {"[{\"a\":\"\xff\"}]", 0},
		"envelope, trailer": {`{"events":[` + good + "]}" + marker, 1},
	} {
		t.Run(name, func(t *testing.T) {
			before := h.judge.seen()
			got := h.send(tt.body)
			assert.Equal(t, http.StatusBadRequest, got.status)
			var body struct {
				Accepted *int
				Rejected int
				EventIDs []string `json:"event_ids"`
				Errors   []struct {
					Index                int
					Code, Field, Message string
				}
			}
			require.NoError(t, json.Unmarshal([]byte(got.body), &body), got.body)
			require.NotNil(t, body.Accepted)
			assert.Zero(t, *body.Accepted)
			assert.Equal(t, 1, body.Rejected)
			assert.Nil(t, body.EventIDs)
			require.Len(t, body.Errors, 1)
			assert.Equal(t, "malformed_json", body.Errors[0].Code)
			assert.Equal(t, tt.index, body.Errors[0].Index)
			assert.NotEmpty(t, body.Errors[0].Message)
			assert.Equal(t, before, h.judge.seen(), "nothing of a broken body goes on")
		})
	}
}

func TestHTTPErrorsAreCapped(t *testing.T) {
	h := newHTTPHarness(t)
	got := h.send("[" + strings.TrimSuffix(strings.Repeat(`{"refuse":"too_long","times":10},`, 101), ",") + "]")
	var body struct {
		Rejected  int
		Errors    []any
		Truncated bool `json:"errors_truncated"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.body), &body))
	assert.Equal(t, 101, body.Rejected)
	assert.Len(t, body.Errors, 1000)
	assert.True(t, body.Truncated)
}

func withDetails(code codes.Code, details ...protoadapt.MessageV1) error {
	st, err := status.New(code, marker).WithDetails(details...)
	if err != nil {
		return err
	}
	return st.Err()
}

func TestHTTPAnswersForErrors(t *testing.T) {
	h := newHTTPHarness(t)
	retry := func(d time.Duration) *errdetails.RetryInfo {
		return &errdetails.RetryInfo{RetryDelay: durationpb.New(d)}
	}
	tests := []struct {
		name   string
		err    error
		status int
		code   string
		retry  string
	}{
		{"full", withDetails(codes.Unavailable, retry(2500*time.Millisecond)), 503, "unavailable", "3"},
		{"unavailable", status.Error(codes.Unavailable, marker), 503, "unavailable", "1"},
		{"account", fmt.Errorf("%s: %w", marker, feedbackruntimeextension.ErrFull), 503, "unavailable", "1"},
		{"larger than the account", feedbackruntimeextension.ErrTooLarge, 413, "too_large", ""},
		{"memory limiter", errors.New("data refused due to high memory usage " + marker), 503, "unavailable", "1"},
		{"retryable", consumererror.NewRetryableError(errors.New(marker)), 503, "unavailable", "1"},
		{"deadline", status.Error(codes.DeadlineExceeded, marker), 503, "unavailable", "1"},
		{"context", context.DeadlineExceeded, 503, "unavailable", "1"},
		{"rate", withDetails(codes.ResourceExhausted, retry(time.Millisecond)), 429, "rate_limited", "1"},
		{"size", status.Error(codes.ResourceExhausted, marker), 413, "too_large", ""},
		{"scope", status.Error(codes.PermissionDenied, marker), 403, "permission_denied", ""},
		{"credentials", status.Error(codes.Unauthenticated, marker), 401, "unauthenticated", ""},
		{"wrapped", consumererror.NewPermanent(fmt.Errorf("x: %w", status.Error(codes.PermissionDenied, marker))), 403, "permission_denied", ""},
		{"permanent", consumererror.NewPermanent(errors.New(marker)), 500, "internal", ""},
		{"internal", status.Error(codes.Internal, marker), 500, "internal", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h.judge.fail(tt.err)
			got := h.send(good)
			got.refused(t, tt.status, tt.code)
			assert.Equal(t, tt.retry, got.header.Get("Retry-After"))
			assert.Equal(t, tt.status == 401, got.header.Get("WWW-Authenticate") != "")
		})
	}
	t.Run("refused whole", func(t *testing.T) {
		h.judge.fail(status.Error(codes.InvalidArgument, marker))
		got := h.send("[" + good + "," + good + "]")
		assert.Equal(t, 400, got.status)
		assert.Contains(t, got.body, `{"accepted":0,"rejected":2,"errors":[`)
	})
}

// A client that is limited is told so in every answer about events.
func TestHTTPTellsTheRate(t *testing.T) {
	h := newHTTPHarness(t)
	rate := feedback.Rate{}
	h.judge.wait = func(ctx context.Context) { feedback.FromContext(ctx).Rate = rate }
	told := func(a answer) []string {
		return []string{a.header.Get("X-RateLimit-Limit"), a.header.Get("X-RateLimit-Remaining"), a.header.Get("X-RateLimit-Reset")}
	}
	assert.Equal(t, []string{"", "", ""}, told(h.send(good)), "not limited")
	for _, tt := range []struct {
		rate   feedback.Rate
		event  string
		err    error
		status int
		want   []string
	}{
		{feedback.Rate{Limit: 1000, Remaining: 999}, good, nil, 202, []string{"1000", "999", "0"}},
		{feedback.Rate{Limit: 1000, Wait: time.Nanosecond}, good, nil, 202, []string{"1000", "0", "1"}},
		{feedback.Rate{Limit: 10, Remaining: 12}, `{"refuse":"too_long"}`, nil, 400, []string{"10", "12", "0"}},
		{feedback.Rate{Limit: 10, Wait: 1500 * time.Millisecond}, good, status.Error(codes.Unavailable, marker), 503, []string{"10", "0", "2"}},
	} {
		rate = tt.rate
		h.judge.fail(tt.err)
		got := h.send(tt.event)
		assert.Equal(t, tt.status, got.status)
		assert.Equal(t, tt.want, told(got))
	}
}

func TestHTTPUnjudgedIsNotAccepted(t *testing.T) {
	h := newHTTPHarness(t)
	h.judge.mute = true
	for range 2 {
		h.send(good).refused(t, 500, "internal")
	}
	assert.Equal(t, 1, h.logs.FilterMessageSnippet("feedbackvalidation").Len())
}

func TestHTTPPanicIsAnswered(t *testing.T) {
	h := newHTTPHarness(t)
	h.judge.wait = func(context.Context) { panic(marker) }
	h.send(good).refused(t, 500, "internal")
	assert.Equal(t, 1, h.logs.FilterMessageSnippet("panic").Len())
}

func TestHTTPPathsAndMethods(t *testing.T) {
	h := newHTTPHarness(t)
	h.do("GET", "/"+marker, nil).refused(t, 404, "not_found")
	h.do("POST", "/v1/feedback/", nil).refused(t, 404, "not_found")
	h.do("POST", "//v1/feedback", nil).refused(t, 404, "not_found")
	for _, method := range []string{"GET", "PUT", "DELETE", "OPTIONS", "POS", "ST"} {
		got := h.do(method, pathFeedback, nil)
		got.refused(t, 405, "method_not_allowed")
		assert.Equal(t, "POST", got.header.Get("Allow"), method)
	}
	for _, path := range []string{pathHealth, pathReady, pathOpenAPI, pathSchema} {
		got := h.do("POST", path, nil)
		got.refused(t, 405, "method_not_allowed")
		assert.Equal(t, "GET, HEAD", got.header.Get("Allow"), path)
	}
}

func TestHTTPRecordsCarryReceiptTraceAndRequest(t *testing.T) {
	h := newHTTPHarness(t)
	before := time.Now()
	got := h.send("["+good+","+bad+"]", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	require.Equal(t, 207, got.status)

	last := h.judge.last(t)
	assert.Equal(t, feedback.TransportHTTP, last.req.Transport)
	assert.Equal(t, []int{len(good), len(bad)}, last.req.Sizes)
	assert.NotNil(t, feedbackruntimeextension.FromContext(last.ctx))
	records := recordsOf(last.logs)
	require.Equal(t, 2, records.Len())
	for i := range 2 {
		lr := records.At(i)
		assert.Equal(t, "0af7651916cd43dd8448eb211c80319c", lr.TraceID().String())
		assert.Equal(t, "b7ad6b7169203331", lr.SpanID().String())
		assert.Equal(t, plog.LogRecordFlags(1), lr.Flags())
		assert.GreaterOrEqual(t, lr.ObservedTimestamp(), pcommon.NewTimestampFromTime(before))
		comment, ok := lr.Body().Map().Get("comment")
		require.True(t, ok)
		assert.Equal(t, marker, comment.Str())
	}

	h.send(good)
	assert.True(t, recordsOf(h.judge.last(t).logs).At(0).TraceID().IsEmpty())
}

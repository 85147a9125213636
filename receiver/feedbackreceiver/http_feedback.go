// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// serveFeedback takes events in: who and what first, then body, decode, consume,
// answer. What it holds of the account is given back when their fate is known.
func (h *httpHandler) serveFeedback(w http.ResponseWriter, r *http.Request) {
	receipt := time.Now()
	h.receiver.ingestion.Begin()
	defer h.receiver.ingestion.End()
	caller := requestTrace(r.Header)
	ctx, span := h.receiver.spans.begin(r.Context(), caller, &h.receiver.spans.http)
	if span.IsRecording() {
		a := &answered{ResponseWriter: w}
		defer a.endHTTP(span)
		w = a
	}
	ctx, ok := h.admit(ctx, w, r)
	if !ok {
		return
	}
	as, ok := h.representation(w, r)
	if !ok {
		return
	}

	hold := h.receiver.rt.Account().Open()
	defer hold.Release()
	ctx = feedbackruntimeextension.NewContext(ctx, hold)

	logs, sizes, ok := h.decode(ctx, w, r, as)
	if !ok {
		return
	}
	read := time.Now()
	defer func() { h.receiver.ingestion.Took(ctx, feedback.TransportHTTP, time.Since(read)) }()
	records := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	caller.stamp(records, pcommon.NewTimestampFromTime(receipt))

	req, err := h.receiver.consume(ctx, feedback.TransportHTTP, logs, sizes)
	setRate(w.Header(), &req.Rate)
	if err != nil {
		h.answerError(w, r, req.Verdicts, err)
		return
	}
	answerVerdicts(w, req.Verdicts)
}

// admit decides who is served; it answers itself if the request is not.
func (h *httpHandler) admit(ctx context.Context, w http.ResponseWriter, r *http.Request) (context.Context, bool) {
	select {
	case <-h.receiver.rt.Stopping():
		h.receiver.ingestion.Unread(ctx, feedback.TransportHTTP, "")
		answerRefusal(w, refuseStopping, 0)
		return nil, false
	default:
	}
	ctx = h.proxies.withClient(ctx, r)
	if h.auth == nil {
		return ctx, true
	}
	known, err := h.auth.authenticate(ctx, r)
	if err == nil {
		return known, true
	}
	f := refuseCredentials(err)
	switch status.Code(err) {
	case codes.PermissionDenied, codes.Unavailable, codes.ResourceExhausted:
		f = refusalOf(err)
	}
	if f.retryAfter > 0 {
		h.receiver.ingestion.Unread(ctx, feedback.TransportHTTP, "")
	}
	h.challenge(w, r, f.status, err)
	answerRefusal(w, f, 0)
	return nil, false
}

// challenge sets WWW-Authenticate of a 401 or 403.
func (h *httpHandler) challenge(w http.ResponseWriter, r *http.Request, status int, err error) {
	value := `Bearer realm="feedback"`
	switch {
	case status == http.StatusUnauthorized && h.auth != nil:
		value = h.auth.challenge(r, err)
	case status == http.StatusForbidden && h.auth != nil:
		value = h.auth.forbidden()
	case status != http.StatusUnauthorized:
		return
	}
	w.Header().Set("WWW-Authenticate", value)
}

// representation is what the headers say of a body.
type representation struct {
	format   feedback.Format
	encoding string // Content-Encoding
	codec    *codec // nil: none
}

// representation reads the headers; it answers itself if they name anything that
// is not understood.
func (h *httpHandler) representation(w http.ResponseWriter, r *http.Request) (as representation, ok bool) {
	if as.format, ok = mediaFormat(r.Header.Get("Content-Type")); !ok {
		answerRefusal(w, refuseMedia, 0)
		return as, false
	}
	if as.encoding, as.codec, ok = h.encoding(r.Header); !ok {
		w.Header().Set("Accept-Encoding", h.accept)
		answerRefusal(w, refuseEncoding, 0)
		return as, false
	}
	return as, true
}

// mediaFormat is the format that a Content-Type stands for.
func mediaFormat(contentType string) (feedback.Format, bool) {
	switch contentType { // what nearly all clients send
	case "", "application/json":
		return feedback.FormatJSON, true
	case "application/x-ndjson":
		return feedback.FormatNDJSON, true
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return 0, false
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return 0, false
	}
	switch media {
	case "application/json":
		return feedback.FormatJSON, true
	case "application/x-ndjson":
		return feedback.FormatNDJSON, true
	case "text/plain":
		return feedback.FormatSniff, true
	}
	return 0, false
}

// encoding is the codec that Content-Encoding stands for, nil for none.
func (h *httpHandler) encoding(header http.Header) (string, *codec, bool) {
	values := header["Content-Encoding"]
	if len(values) == 0 {
		return "", nil, true
	}
	if len(values) > 1 {
		return "", nil, false
	}
	name := strings.ToLower(strings.TrimSpace(values[0]))
	if name == "" || name == "identity" {
		return "", nil, true
	}
	c, ok := h.codecs[name]
	return name, c, ok
}

// decode reads the body into log records; it answers itself if it cannot.
func (h *httpHandler) decode(ctx context.Context, w http.ResponseWriter, r *http.Request, as representation) (logs plog.Logs, sizes []int, ok bool) {
	hold := feedbackruntimeextension.FromContext(ctx)
	body := newBodyBuffer(ctx, hold, h.cfg.ServerConfig.MaxRequestBodySize)
	defer body.free()
	if err := readBody(body, r, as.codec, as.encoding); err != nil {
		h.countUnread(ctx, err)
		answerBodyError(w, r, err)
		return logs, nil, false
	}
	h.unhurry(w)
	if err := hold.Unfold(ctx, feedback.UnfoldedSize(body.buf, h.cfg.MaxRequestEvents)); err != nil {
		h.countUnread(ctx, err)
		answerRefusal(w, refusalOf(err), 0)
		return logs, nil, false
	}

	logs = plog.NewLogs()
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	decoder := h.decoders.Get().(*feedback.Decoder)
	sizes, index, fault := decoder.Decode(body.buf, as.format, h.cfg.MaxRequestEvents, records)
	h.decoders.Put(decoder)
	if fault != nil {
		if fault.Code != feedback.CodeMissingField { // an empty array: there was no event
			h.receiver.ingestion.Unread(ctx, feedback.TransportHTTP, fault.Code)
		}
		answerFault(w, index, fault)
		return logs, nil, false
	}
	return logs, sizes, true
}

// unhurry lifts the deadline for reading once the body is read: passed while the
// pipeline works, it would look like a client that hung up.
func (h *httpHandler) unhurry(w http.ResponseWriter) {
	if h.cfg.ServerConfig.ReadTimeout > 0 {
		// Where it is not supported, as in a test's recorder, there is none.
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	}
}

// countUnread counts a body of which no event was seen. One that did not arrive in
// time, or whose client has gone, is none.
func (h *httpHandler) countUnread(ctx context.Context, err error) {
	var encoding errBodyEncoding
	var code feedback.Code
	switch {
	case errors.Is(err, errBodyTimeout), ctx.Err() != nil:
		return
	case errors.Is(err, errBodyTooLarge), errors.Is(err, feedbackruntimeextension.ErrTooLarge):
		code = feedback.CodeTooLarge
	case errors.Is(err, errBodyEnded), errors.As(err, &encoding):
		code = feedback.CodeMalformedJSON
	}
	h.receiver.ingestion.Unread(ctx, feedback.TransportHTTP, code)
}

// answerBodyError answers for a body that could not be read.
func answerBodyError(w http.ResponseWriter, r *http.Request, err error) {
	var encoding errBodyEncoding
	switch {
	case errors.Is(err, errBodyTooLarge):
		answerRefusal(w, refuseTooLarge, 0)
	case errors.Is(err, errBodyTimeout):
		hangUp(w, r)
		answerRefusal(w, refuseTimeout, 0)
	case errors.Is(err, errBodyEnded), errors.As(err, &encoding):
		answerWhole(w, 1, 0, &feedback.Error{Code: feedback.CodeMalformedJSON, Message: err.Error()})
	default:
		answerRefusal(w, refusalOf(err), 0)
	}
}

// answerFault answers for a body that is no sequence of events.
func answerFault(w http.ResponseWriter, index int, fault *feedback.Error) {
	switch {
	case fault.Code == feedback.CodeTooLarge:
		f := refuseTooLarge
		f.message = fault.Message
		answerRefusal(w, f, 0)
	case fault.Code == feedback.CodeMissingField:
		answerWhole(w, 0, 0, fault) // an empty array: there was no event to refuse
	default:
		answerWhole(w, 1, index, fault)
	}
}

// answerError answers for a request that admission or delivery refused.
func (h *httpHandler) answerError(w http.ResponseWriter, r *http.Request, verdicts *feedback.Verdicts, err error) {
	f := refusalOf(err)
	h.challenge(w, r, f.status, err)
	if f.status == http.StatusInternalServerError && !errors.Is(err, errNotJudged) { // which was said once
		// The error's text may hold parts of an event.
		h.receiver.set.Logger.Error("The pipeline failed to handle a request",
			zap.Stringer("code", status.Code(err)), zap.String("error_type", fmt.Sprintf("%T", err)))
	}
	answerRefusal(w, f, verdicts.Len())
}

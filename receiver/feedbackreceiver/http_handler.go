// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

const (
	pathFeedback = "/v1/feedback"
	pathHealth   = "/health"
	pathReady    = "/ready"
	pathOpenAPI  = "/openapi.yaml"
	pathSchema   = "/schema/v1/feedback.json"
)

// httpHandler serves all paths of the HTTP half.
type httpHandler struct {
	receiver *feedbackReceiver
	cfg      *HTTPConfig
	auth     *httpAuth // nil: none
	origins  originPolicy
	proxies  proxyTrust
	codecs   map[string]*codec
	accept   string // Accept-Encoding of a 415
	decoders sync.Pool
	inWork   gate
}

func newHTTPHandler(ctx context.Context, r *feedbackReceiver, cfg *HTTPConfig, extensions map[component.ID]component.Component) (*httpHandler, error) {
	auth, err := newHTTPAuth(ctx, &cfg.ServerConfig, extensions)
	if err != nil {
		return nil, err
	}
	proxies, err := newProxyTrust(cfg.TrustedProxies)
	if err != nil {
		return nil, err
	}
	enabled := enabledCodecs(cfg.ServerConfig.CompressionAlgorithms)
	return &httpHandler{
		receiver: r,
		cfg:      cfg,
		auth:     auth,
		origins:  newOriginPolicy(allowedOrigins(&cfg.ServerConfig)),
		proxies:  proxies,
		codecs:   enabled,
		accept:   codecNames(enabled),
		decoders: sync.Pool{New: func() any { return feedback.NewDecoder() }},
	}, nil
}

// ServeHTTP implements http.Handler.
func (h *httpHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.inWork.enter() {
		w.Header().Set("Connection", "close")
		answerRefusal(w, refuseStopping, 0)
		return
	}
	defer h.inWork.leave()
	defer h.recovered(w)

	select {
	case <-h.receiver.rt.Draining():
		// Clients that keep connections find another instance before this one
		// stops to listen.
		w.Header().Set("Connection", "close")
	default:
	}
	if headerBytes(r) > h.cfg.MaxHeaderBytes {
		w.Header().Set("Connection", "close")
		answerRefusal(w, refuseHeaders, 0)
		return
	}
	h.route(w, r)
}

// recovered answers 500 after a panic. The value of the panic may hold parts of
// an event: only its type is logged.
func (h *httpHandler) recovered(w http.ResponseWriter) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p)
	}
	h.receiver.set.Logger.Error("A request made the collector panic",
		zap.String("panic", fmt.Sprintf("%T", p)), zap.ByteString("stack", debug.Stack()))
	answerRefusal(w, refuseInternal, 0)
}

// headerBytes is the size of request line and headers, as far as it is known
// here.
func headerBytes(r *http.Request) int {
	n := len(r.Method) + len(r.RequestURI) + len(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + 4 // ": " and line end
		}
	}
	return n
}

// route does what a http.ServeMux would, but answers in JSON and redirects
// nobody.
func (h *httpHandler) route(w http.ResponseWriter, r *http.Request) {
	var serve func(http.ResponseWriter, *http.Request)
	switch r.URL.Path {
	case pathFeedback:
		serve = h.serveFeedback
	case pathHealth:
		serve = serveHealth
	case pathReady:
		serve = h.serveReady
	case pathOpenAPI:
		serve = openAPI.serve
	case pathSchema:
		serve = jsonSchema.serve
	default:
		answerRefusal(w, refuseNotFound, 0)
		return
	}
	r.Pattern = r.URL.Path // names the span
	takesEvents := r.URL.Path == pathFeedback
	if takesEvents && !h.origins.allows(r) {
		answerRefusal(w, refuseOrigin, 0)
		return
	}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case takesEvents && r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST")
		answerRefusal(w, refuseMethod, 0)
	case !takesEvents && !reads:
		w.Header().Set("Allow", "GET, HEAD")
		answerRefusal(w, refuseMethod, 0)
	default:
		serve(w, r)
	}
}

func serveHealth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	writeAnswer(w, http.StatusOK, func(dst []byte) []byte { return append(dst, `{"status":"healthy"}`...) })
}

func (h *httpHandler) serveReady(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if err := h.receiver.rt.Readiness(); err != nil {
		f := refuseDelivery
		f.message = err.Error() // fit to be shown to anyone
		answerRefusal(w, f, 0)
		return
	}
	writeAnswer(w, http.StatusOK, func(dst []byte) []byte { return append(dst, `{"status":"ready"}`...) })
}

// serveFeedback takes events in: who and what first, then body, decode, consume,
// answer. What it holds of the account is given back when their fate is known.
func (h *httpHandler) serveFeedback(w http.ResponseWriter, r *http.Request) {
	receipt := time.Now()
	ctx, ok := h.admit(w, r)
	if !ok {
		return
	}
	format, ok := mediaFormat(r.Header.Get("Content-Type"))
	if !ok {
		answerRefusal(w, refuseMedia, 0)
		return
	}
	encoding, c, ok := h.encoding(r.Header)
	if !ok {
		w.Header().Set("Accept-Encoding", h.accept)
		answerRefusal(w, refuseEncoding, 0)
		return
	}

	hold := h.receiver.rt.Account().Open()
	defer hold.Release()
	ctx = feedbackruntimeextension.NewContext(ctx, hold)

	logs, sizes, ok := h.decode(ctx, w, r, hold, format, encoding, c)
	if !ok {
		return
	}
	records := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	requestTrace(r.Header).stamp(records, pcommon.NewTimestampFromTime(receipt))

	verdicts, err := h.receiver.consume(ctx, feedback.TransportHTTP, logs, sizes)
	if err != nil {
		h.answerError(w, r, verdicts, err)
		return
	}
	answerVerdicts(w, verdicts)
}

// admit decides who is served; it answers itself if the request is not.
func (h *httpHandler) admit(w http.ResponseWriter, r *http.Request) (context.Context, bool) {
	select {
	case <-h.receiver.rt.Stopping():
		answerRefusal(w, refuseStopping, 0)
		return nil, false
	default:
	}
	ctx := h.proxies.withClient(r.Context(), r)
	if h.auth == nil {
		return ctx, true
	}
	ctx, err := h.auth.authenticate(ctx, r)
	if err == nil {
		return ctx, true
	}
	f := refuseIdentity
	switch status.Code(err) {
	case codes.PermissionDenied, codes.Unavailable, codes.ResourceExhausted:
		f = refusalOf(err)
	}
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", h.auth.challenge(r))
	}
	answerRefusal(w, f, 0)
	return nil, false
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
func (h *httpHandler) decode(ctx context.Context, w http.ResponseWriter, r *http.Request, hold *feedbackruntimeextension.Hold,
	format feedback.Format, encoding string, c *codec,
) (logs plog.Logs, sizes []int, ok bool) {
	body := newBodyBuffer(ctx, hold, h.cfg.ServerConfig.MaxRequestBodySize)
	defer body.free()
	if err := readBody(body, r, c, encoding); err != nil {
		h.answerBodyError(w, err)
		return logs, nil, false
	}
	h.unhurry(w)

	logs = plog.NewLogs()
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	decoder := h.decoders.Get().(*feedback.Decoder)
	sizes, index, fault := decoder.Decode(body.buf, format, h.cfg.MaxRequestEvents, records)
	h.decoders.Put(decoder)
	if fault != nil {
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

// answerBodyError answers for a body that could not be read.
func (h *httpHandler) answerBodyError(w http.ResponseWriter, err error) {
	var encoding errBodyEncoding
	switch {
	case errors.Is(err, errBodyTooLarge):
		answerRefusal(w, refuseTooLarge, 0)
	case errors.Is(err, errBodyTimeout):
		w.Header().Set("Connection", "close")
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
	switch f.status {
	case http.StatusUnauthorized:
		if h.auth != nil {
			w.Header().Set("WWW-Authenticate", h.auth.challenge(r))
		} else {
			w.Header().Set("WWW-Authenticate", `Bearer realm="feedback"`)
		}
	case http.StatusInternalServerError:
		if errors.Is(err, errNotJudged) {
			break // was said once
		}
		// The error's text may hold parts of an event.
		h.receiver.set.Logger.Error("The pipeline failed to handle a request",
			zap.Stringer("code", status.Code(err)), zap.String("error_type", fmt.Sprintf("%T", err)))
	}
	answerRefusal(w, f, verdicts.Len())
}

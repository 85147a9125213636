// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

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
	if auth != nil {
		auth.server = audited(auth.server, r.audit)
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
		hangUp(w, r)
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
		hangUp(w, r)
		answerRefusal(w, refuseHeaders, 0)
		return
	}
	h.route(w, r)
}

// hangUp ends the connection after an answer that leaves a body unread. HTTP/2
// ends the stream by itself, and must not take its neighbours along.
func hangUp(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor < 2 {
		w.Header().Set("Connection", "close")
	}
}

// recovered answers 500 after a panic. The value of the panic may hold parts of
// an event: only its type is logged.
func (h *httpHandler) recovered(w http.ResponseWriter) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { //nolint:errorlint // net/http itself compares the panic's value
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

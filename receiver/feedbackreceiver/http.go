// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/confighttp/xconfighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.uber.org/zap"
)

// closeGrace is how long handlers whose connections were cut are waited for.
const closeGrace = 2 * time.Second

// httpServer is the state of the HTTP half; zero until startHTTP.
type httpServer struct {
	server   *http.Server
	handler  *httpHandler
	listener net.Listener
	addr     net.Addr // of the listener
}

func (r *feedbackReceiver) startHTTP(ctx context.Context, host component.Host) error {
	if !r.cfg.Protocols.HTTP.HasValue() {
		return nil
	}
	cfg := r.cfg.Protocols.HTTP.Get()
	handler, err := newHTTPHandler(ctx, r, cfg, host.GetExtensions())
	if err != nil {
		return fmt.Errorf("protocols::http: %w", err)
	}
	server := serverSettings(cfg)
	srv, err := server.ToServer(ctx, host.GetExtensions(), withoutInstruments(r.set.TelemetrySettings), handler, uninstrumented)
	if err != nil {
		return fmt.Errorf("protocols::http: %w", err)
	}
	srv.Handler = hideTokens{next: srv.Handler} // before spans see the query
	// The handler refuses headers over the limit with a JSON body; net/http,
	// which cannot, refuses what is far over it before it is read.
	srv.MaxHeaderBytes = 2 * cfg.MaxHeaderBytes
	srv.ErrorLog = serverLog(r.set.Logger)

	secure, err := loadTLS(ctx, cfg.ServerConfig.TLS, r.set.Logger)
	if err != nil {
		return fmt.Errorf("protocols::http::tls: %w", err)
	}
	listener, err := server.ToListener(ctx)
	if err != nil {
		return fmt.Errorf("protocols::http: %w", err)
	}
	if secure != nil {
		secure.NextProtos = []string{"h2", "http/1.1"}
		listener = tls.NewListener(listener, secure)
	}
	r.http = httpServer{server: srv, handler: handler, listener: listener, addr: listener.Addr()}
	r.set.Logger.Info("Starting HTTP server", zap.Stringer("endpoint", listener.Addr()))

	r.shutdownWG.Go(func() {
		if err := srv.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(err))
		}
	})
	return nil
}

// uninstrumented leaves out otelhttp: spans and request metrics are the receiver's
// own, and otelhttp's would cost as much as reading a small request does.
var uninstrumented = xconfighttp.WithOtelHTTPOptions(otelhttp.WithFilter(func(*http.Request) bool { return false }))

// serverSettings is what the collector's own server does of the configuration.
// The rest is taken out, because it must wrap /v1/feedback alone or come in
// another order: authentication, and decompression, which has to come after it
// and under the account of bytes. TLS is loadTLS's.
func serverSettings(cfg *HTTPConfig) confighttp.ServerConfig {
	server := cfg.ServerConfig
	server.Auth = configoptional.None[confighttp.AuthConfig]()
	server.TLS = configoptional.None[configtls.ServerConfig]()
	server.CompressionAlgorithms = []string{}

	origins := allowedOrigins(&cfg.ServerConfig)
	if len(origins) == 0 {
		server.CORS = configoptional.None[confighttp.CORSConfig]()
		return server
	}
	cors := *server.CORS.Get()
	cors.AllowedOrigins = origins
	if len(cors.AllowedHeaders) == 0 {
		cors.AllowedHeaders = []string{"Authorization", "Content-Type", "Content-Encoding", "Traceparent", "Tracestate", "X-Requested-With"}
	}
	cors.ExposedHeaders = append([]string{headerRetryAfter, headerRateLimit, headerRateRemaining, headerRateReset}, cors.ExposedHeaders...)
	server.CORS = configoptional.Some(cors)
	return server
}

// shutdownHTTP answers what is in work until ctx ends, then cuts it.
func (r *feedbackReceiver) shutdownHTTP(ctx context.Context) error {
	srv := r.http.server
	if srv == nil {
		return nil
	}
	err := srv.Shutdown(ctx)
	if err != nil {
		// Cutting the connections ends the contexts of the requests on them.
		err = fmt.Errorf("protocols::http: %w", errors.Join(err, srv.Close()))
	}
	grace := time.NewTimer(closeGrace)
	defer grace.Stop()
	select {
	case <-r.http.handler.inWork.drained():
	case <-grace.C:
		r.set.Logger.Warn("Requests are still in the pipeline after their connections were cut")
	}
	return err
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"
	"go.uber.org/zap"
)

// validateTLS names what the collector's own message does not.
func validateTLS(settings configoptional.Optional[configtls.ServerConfig]) error {
	if !settings.HasValue() {
		return nil
	}
	var errs []error
	s := settings.Get()
	if s.CertFile == "" && s.CertPem == "" {
		errs = append(errs, errors.New("tls::cert_file: must be set; config/secure.yaml takes it from COLLECTOR_TLS__CERT_FILE"))
	}
	if s.KeyFile == "" && s.KeyPem == "" {
		errs = append(errs, errors.New("tls::key_file: must be set; config/secure.yaml takes it from COLLECTOR_TLS__KEY_FILE"))
	}
	return errors.Join(errs...)
}

// badCertificateNotice is how often a certificate that cannot be loaded is told.
const badCertificateNotice = time.Minute

// loadTLS returns nil if no TLS is configured.
func loadTLS(ctx context.Context, settings configoptional.Optional[configtls.ServerConfig], logger *zap.Logger) (*tls.Config, error) {
	if !settings.HasValue() {
		return nil, nil
	}
	cfg, err := settings.Get().LoadTLSConfig(ctx)
	if err != nil {
		return nil, err
	}
	// Set in place: what reloads the clients' authorities reads it from here.
	cfg.GetCertificate = (&lastGood{load: cfg.GetCertificate, logger: logger}).get
	return cfg, nil
}

// lastGood keeps the certificate that was served last, for as long as the files
// hold none that can be: while certificate and key are renewed one after the
// other, and when they do not belong together.
type lastGood struct {
	load   func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	logger *zap.Logger

	mu   sync.Mutex // guards all below
	cert *tls.Certificate
	told time.Time
}

func (l *lastGood) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	cert, err := l.load(hello)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.cert, l.told = cert, time.Time{}
		return cert, nil
	}
	if l.cert == nil {
		return nil, err
	}
	if now := time.Now(); now.Sub(l.told) >= badCertificateNotice {
		l.told = now
		l.logger.Error("The renewed certificate cannot be used; the one before it is served", zap.Error(err))
	}
	return l.cert, nil
}

// serverLog is for what net/http says by itself. A handshake that failed is told
// in words that are always the same, so that the log can leave some out: any
// stranger can cause it.
func serverLog(logger *zap.Logger) *log.Logger { return log.New(serverLogWriter{logger}, "", 0) }

type serverLogWriter struct{ logger *zap.Logger }

func (w serverLogWriter) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	if rest, ok := strings.CutPrefix(text, "http: TLS handshake error from "); ok {
		peer, reason, _ := strings.Cut(rest, ": ")
		w.logger.Info("A TLS handshake failed", zap.String("peer", peer), zap.String("reason", reason))
	} else {
		w.logger.Error(text)
	}
	return len(line), nil
}

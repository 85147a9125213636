// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// selfSigned is a certificate for 127.0.0.1, with its key.
func selfSigned(t *testing.T) (cert, key []byte) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

// newTLSHarness serves HTTP/2 over TLS.
func newTLSHarness(t *testing.T, options ...httpOption) *httpHarness {
	cert, key := selfSigned(t)
	h := newHTTPHarness(t, append(options, withHTTPConfig(func(c *HTTPConfig) {
		c.ServerConfig.TLS = configoptional.Some(configtls.ServerConfig{Config: configtls.Config{
			CertPem: configopaque.String(cert), KeyPem: configopaque.String(key),
		}})
	}))...)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(cert))
	transport := h.client.Transport.(*http.Transport)
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	transport.ForceAttemptHTTP2 = true
	h.url = strings.Replace(h.url, "http:", "https:", 1)
	return h
}

func TestHTTPOverTLS(t *testing.T) {
	h := newTLSHarness(t)
	req := must(http.NewRequest(http.MethodPost, h.url+pathFeedback, strings.NewReader(good)))
	resp, err := h.client.Do(req)
	require.NoError(t, err)
	assert.Equal(t, 2, resp.ProtoMajor)
	assert.Equal(t, 202, h.read(resp).status)

	own := strings.TrimPrefix(h.url, "https://")
	assert.Equal(t, 202, h.send(good, "Origin", "https://"+own).status)
	h.send(good, "Origin", "http://"+own).refused(t, 403, "permission_denied")
	h.do("GET", pathHealth, nil, "X-Large", strings.Repeat("x", 70<<10)).refused(t, 431, "headers_too_large")
	h.send("").refusedWhole(t, "malformed_json")
}

func TestHTTP2TimeOuts(t *testing.T) {
	const timeout = 250 * time.Millisecond
	h := newTLSHarness(t, withHTTPConfig(func(c *HTTPConfig) { c.ServerConfig.ReadTimeout = timeout }))
	h.judge.wait = func(ctx context.Context) {
		select {
		case <-ctx.Done():
			t.Error("the request's context has ended")
		case <-time.After(4 * timeout):
		}
	}
	assert.Equal(t, 202, h.send(good).status)

	never, end := io.Pipe()
	defer end.Close()
	h.do("POST", pathFeedback, never).refused(t, 408, "timeout")
}

func TestTLSConfigNamesItsVariables(t *testing.T) {
	h, g := defaultHTTPConfig(), defaultGRPCConfig()
	h.ServerConfig.TLS = configoptional.Some(configtls.ServerConfig{})
	g.ServerConfig.TLS = configoptional.Some(configtls.ServerConfig{Config: configtls.Config{CertFile: "cert.pem"}})
	err := h.Validate()
	require.ErrorContains(t, err, "COLLECTOR_TLS__CERT_FILE")
	require.ErrorContains(t, err, "COLLECTOR_TLS__KEY_FILE")
	err = g.Validate()
	require.ErrorContains(t, err, "COLLECTOR_TLS__KEY_FILE")
	require.NotContains(t, err.Error(), "COLLECTOR_TLS__CERT_FILE")
}

// What is renewed is served; what cannot be is not, and is told once.
func TestRenewedCertificate(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		return path
	}
	cert, key := selfSigned(t)
	core, logs := observer.New(zap.ErrorLevel)
	cfg, err := loadTLS(t.Context(), configoptional.Some(configtls.ServerConfig{Config: configtls.Config{
		CertFile: file("cert.pem", cert), KeyFile: file("key.pem", key), ReloadInterval: time.Nanosecond,
	}}), zap.New(core))
	require.NoError(t, err)
	served := func() []byte {
		c, err := cfg.GetCertificate(nil)
		require.NoError(t, err)
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})
	}
	assert.Equal(t, cert, served())

	renewed, renewedKey := selfSigned(t)
	file("cert.pem", renewed)
	assert.Equal(t, cert, served(), "the key is not renewed yet")
	assert.Equal(t, cert, served())
	file("key.pem", renewedKey)
	assert.Equal(t, renewed, served())
	require.Equal(t, 1, logs.Len())
	assert.NotContains(t, logs.All()[0].ContextMap()["error"], string(renewedKey[30:60]))

	file("key.pem", nil)
	assert.Equal(t, renewed, served())
	assert.Equal(t, 2, logs.Len())
}

func TestServerLog(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	l := serverLog(zap.New(core))
	l.Printf("http: TLS handshake error from %s: %v", "[::1]:4711", io.EOF)
	l.Print("http: something else")
	require.Equal(t, 2, logs.Len())
	assert.Equal(t, "A TLS handshake failed", logs.All()[0].Message)
	assert.Equal(t, map[string]any{"peer": "[::1]:4711", "reason": "EOF"}, logs.All()[0].ContextMap())
	assert.Equal(t, "http: something else", logs.All()[1].Message)
}

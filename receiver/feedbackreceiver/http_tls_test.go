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
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"
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

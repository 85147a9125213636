// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/kafka/configkafka"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configtls"
	"golang.org/x/oauth2"
)

// selfSigned makes a certificate for 127.0.0.1, and its PEM forms.
func selfSigned(t *testing.T) (tls.Certificate, string, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	require.NoError(t, err)
	return pair, string(certPEM), string(keyPEM)
}

func TestMutualTLS(t *testing.T) {
	pair, certPEM, keyPEM := selfSigned(t)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM([]byte(certPEM)))
	c := newCluster(t, seeded(), kfake.TLS(&tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}))
	r := newRig(t, c, func(cfg *Config, _ *testRuntime) {
		cfg.Acknowledge = AcknowledgeDelivered
		cfg.TLS = &configtls.ClientConfig{Config: configtls.Config{
			CAPem: configopaque.String(certPEM), CertPem: configopaque.String(certPEM), KeyPem: configopaque.String(keyPEM),
		}}
		assert.Equal(t, "the subject of the client certificate", principal(&cfg.ClientConfig))
	})
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(0, 1, testSession)))
}

func TestSASL(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			c := newCluster(t, seeded(), kfake.EnableSASL(), kfake.Superuser(mechanism, "alice", "pw"))
			r := newRig(t, c, func(cfg *Config, _ *testRuntime) {
				cfg.Acknowledge = AcknowledgeDelivered
				cfg.Authentication.SASL = saslOf(mechanism, "alice", "pw")
			})
			require.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(0, 1, testSession)))
		})
	}
}

type tokens struct {
	component.StartFunc
	component.ShutdownFunc
	err error
}

func (s tokens) Token(context.Context) (*oauth2.Token, error) {
	return &oauth2.Token{AccessToken: "t0ken"}, s.err
}

func TestOAuthBearer(t *testing.T) {
	id := component.MustNewID("oauth2client")
	auth := &configkafka.AuthenticationConfig{SASL: &configkafka.SASLConfig{Mechanism: mechanismOAuthBearer, OAuthBearerTokenSource: id}}
	host := hostOf(newTestRuntime())
	_, err := saslMechanism(host, auth)
	require.ErrorContains(t, err, "auth::sasl::oauthbearer_token_source")

	host.extensions[id] = tokens{}
	m, err := saslMechanism(host, auth)
	require.NoError(t, err)
	assert.Equal(t, "OAUTHBEARER", m.Name())
	_, first, err := m.Authenticate(context.Background(), "broker")
	require.NoError(t, err)
	assert.Contains(t, string(first), "t0ken")

	host.extensions[id] = tokens{err: errors.New("client_secret=hush")}
	m, err = saslMechanism(host, auth)
	require.NoError(t, err)
	_, _, err = m.Authenticate(context.Background(), "broker")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "hush")
	assert.Equal(t, "the subject of the OAuth token", principal(&configkafka.ClientConfig{Authentication: *auth}))
}

func TestClientRefusesWhatItCannotDo(t *testing.T) {
	host := hostOf(newTestRuntime())
	_, err := saslMechanism(host, &configkafka.AuthenticationConfig{SASL: saslOf("MD5", "a", "b")})
	require.ErrorContains(t, err, "auth::sasl::mechanism")

	m, err := saslMechanism(host, &configkafka.AuthenticationConfig{PlainText: &configkafka.PlainTextConfig{Username: "a", Password: "b"}})
	require.NoError(t, err)
	assert.Equal(t, "PLAIN", m.Name())

	_, err = securityOpts(context.Background(), host, &configkafka.ClientConfig{
		TLS: &configtls.ClientConfig{Config: configtls.Config{CAFile: "testdata/missing.pem"}},
	})
	require.ErrorContains(t, err, "tls: ")
	assert.Equal(t, "User:ANONYMOUS", principal(&configkafka.ClientConfig{}))
}

func TestClientTakesAllItsSettings(t *testing.T) {
	c := newCluster(t, seeded())
	r := newRig(t, c, func(cfg *Config, _ *testRuntime) {
		cfg.Acknowledge = AcknowledgeDelivered
		cfg.RackID = "r1"
		cfg.ProtocolVersion = "3.0.0"
		cfg.Producer.Compression = "gzip"
		cfg.Producer.CompressionParams.Level = 9
	})
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(0, 1, testSession)))
	assert.Len(t, r.consume(testTopic, 1), 1)
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/certs"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/send"
)

// tlsOverlay gives all four listeners the certificate tls.crt and tls.key of a
// directory, and more keys.
func tlsOverlay(t *testing.T, dir, more string) string {
	return writeConfig(t, fmt.Sprintf(`
receivers:
  feedback:
    protocols:
      http:
        tls: &tls {cert_file: %[1]s/tls.crt, key_file: %[1]s/tls.key, reload_interval: 500ms%[2]s}
      grpc: {tls: *tls}
  otlp:
    protocols:
      grpc: {tls: *tls}
      http: {tls: *tls}
`, dir, more))
}

// install puts a pair in place as a container platform does: a directory of its
// own, to which a link is turned at once.
func install(t *testing.T, dir string, pair *certs.Pair) {
	t.Helper()
	fresh := filepath.Join(t.TempDir(), "pair")
	require.NoError(t, os.Mkdir(fresh, 0o700))
	for from, to := range map[string]string{pair.Cert: "tls.crt", pair.Key: "tls.key"} {
		content, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(fresh, to), content, 0o600))
	}
	require.NoError(t, os.Symlink(fresh, dir+".new"))
	require.NoError(t, os.Rename(dir+".new", dir))
}

func issue(t *testing.T, authority *certs.Authority, name string) *certs.Pair {
	t.Helper()
	pair, err := authority.Issue(t.TempDir(), name)
	require.NoError(t, err)
	return pair
}

func newAuthority(t *testing.T) *certs.Authority {
	t.Helper()
	authority, err := certs.NewAuthority(filepath.Join(t.TempDir(), "ca.pem"))
	require.NoError(t, err)
	return authority
}

// senderFunc is a way to send that needs no state.
type senderFunc func(ctx context.Context, batch []*events.Event) ([]send.Receipt, error)

// Send implements send.Sender.
func (f senderFunc) Send(ctx context.Context, batch []*events.Event) ([]send.Receipt, error) {
	return f(ctx, batch)
}

// freshWays are ways into the four listeners that open a connection for each
// request.
func freshWays(c *collector.Collector, config *tls.Config) map[string]send.Sender {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}, Timeout: 20 * time.Second}
	dialed := func(address string, through func(*grpc.ClientConn) send.Sender) send.Sender {
		return senderFunc(func(ctx context.Context, batch []*events.Event) ([]send.Receipt, error) {
			conn, err := send.Dial(address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
			if err != nil {
				return nil, err
			}
			defer conn.Close()
			return through(conn).Send(ctx, batch)
		})
	}
	return map[string]send.Sender{
		"HTTP": &send.HTTP{Client: client, URL: c.URL("/v1/feedback")},
		"gRPC": dialed(c.GRPC, func(conn *grpc.ClientConn) send.Sender {
			return &send.Unary{Client: feedbackv1.NewFeedbackServiceClient(conn)}
		}),
		"OTLP/gRPC": dialed(c.OTLPGRPC, func(conn *grpc.ClientConn) send.Sender { return &send.OTLPGRPC{Client: plogotlp.NewGRPCClient(conn)} }),
		"OTLP/HTTP": &send.OTLPHTTP{Client: client, URL: c.At(c.OTLPHTTP) + "/v1/logs"},
	}
}

// styleOf is what a way can carry.
func styleOf(way string) events.Style {
	switch way {
	case "gRPC":
		return events.Proto
	case "OTLP/gRPC":
		return events.Map
	default:
		return events.JSON
	}
}

// TestCertificateRotation: a renewed certificate is served on every listener,
// with requests coming in all the time, none of which fails.
func TestCertificateRotation(t *testing.T) {
	s := newStream(t)
	authority := newAuthority(t)
	trusting, err := authority.Client(nil)
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "live")
	first := issue(t, authority, "first")
	install(t, dir, first)
	c := collector.Run(t, collector.Options{
		Configs: []string{collector.ConfigFile("collector.yaml"), tlsOverlay(t, dir, "")}, Env: s.env(), TLS: trusting,
	})

	// What is open stays open.
	stream, err := send.OpenStream(t.Context(), feedbackv1.NewFeedbackServiceClient(dial(t, c.GRPC, dialOptions(c, "")...)))
	require.NoError(t, err)
	sent := sample(2, 800, events.Proto)
	_, err = stream.Send(t.Context(), sent[:1])
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stop := make(chan struct{})
	var (
		loads   sync.WaitGroup
		mu      sync.Mutex // guards sent
		serials = map[string]*atomic.Int64{}
	)
	salt := uint64(801)
	for name := range freshWays(c, trusting) {
		seen := &atomic.Int64{}
		serials[name] = seen
		config := trusting.Clone()
		config.VerifyConnection = func(state tls.ConnectionState) error {
			seen.Store(state.PeerCertificates[0].SerialNumber.Int64())
			return nil
		}
		sender, seed := freshWays(c, config)[name], salt
		salt += 10_000
		loads.Go(func() {
			for i := uint64(0); ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				batch := sample(1, seed+i, styleOf(name))
				if _, err := sender.Send(ctx, batch); !assert.NoError(t, err, name) {
					return
				}
				mu.Lock()
				sent = append(sent, batch...)
				mu.Unlock()
			}
		})
	}
	served := func(pair *certs.Pair) {
		require.Eventually(t, func() bool {
			for _, seen := range serials {
				if seen.Load() != pair.Serial {
					return false
				}
			}
			return true
		}, 30*time.Second, 20*time.Millisecond, "not every listener serves certificate %d", pair.Serial)
	}
	served(first)
	second := issue(t, authority, "second")
	install(t, dir, second)
	served(second)
	close(stop)
	loads.Wait()

	_, err = stream.Send(t.Context(), sent[1:2])
	require.NoError(t, err)
	assertArrived(t, s.reader, s.topic, sent)
	t.Logf("%d requests, each on a connection of its own", len(sent)-2)
	assertStops(t, c)
}

// TestClientCertificates: with an authority for clients, nobody gets in without a
// certificate of it, on any listener; another authority takes over without a
// restart.
func TestClientCertificates(t *testing.T) {
	s := newStream(t)
	authority, other := newAuthority(t), newAuthority(t)
	dir, clientCA := filepath.Join(t.TempDir(), "live"), filepath.Join(t.TempDir(), "clients.pem")
	install(t, dir, issue(t, authority, "server"))
	trustClientsOf := func(a *certs.Authority) {
		content, err := os.ReadFile(a.File)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(clientCA+".new", content, 0o600))
		require.NoError(t, os.Rename(clientCA+".new", clientCA))
	}
	trustClientsOf(authority)
	as := func(pair *certs.Pair) *tls.Config {
		config, err := authority.Client(pair)
		require.NoError(t, err)
		return config
	}
	old, renewed := as(issue(t, authority, "old client")), as(issue(t, other, "new client"))
	c := collector.Run(t, collector.Options{
		Configs: []string{
			collector.ConfigFile("collector.yaml"),
			tlsOverlay(t, dir, ", client_ca_file: "+clientCA+", client_ca_file_reload: true"),
		},
		Env: s.env(), TLS: old,
	})
	var sent []*events.Event
	salt := uint64(850)
	try := func(name string, config *tls.Config) error {
		salt++
		batch := sample(1, salt, styleOf(name))
		_, err := freshWays(c, config)[name].Send(t.Context(), batch)
		if err == nil {
			sent = append(sent, batch...)
		}
		return err
	}
	aged := old.Clone()
	aged.MinVersion, aged.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	for name := range freshWays(c, old) {
		assert.NoError(t, try(name, old), name)
		assert.Error(t, try(name, as(nil)), "%s: without a certificate", name)
		assert.Error(t, try(name, renewed), "%s: with one of another authority", name)
		assert.ErrorContains(t, try(name, aged), "protocol version", "%s: TLS 1.1", name)
	}
	assertPlainRefused(t, c)
	assertLoopback(t, c.Metrics)

	trustClientsOf(other)
	for name := range freshWays(c, old) {
		require.Eventually(t, func() bool { return try(name, renewed) == nil }, 10*time.Second, 100*time.Millisecond, name)
		assert.Error(t, try(name, old), "%s: with one of the authority before", name)
	}
	assertArrived(t, s.reader, s.topic, sent)
	c.TLS = renewed
	assertStops(t, c)
}

// assertPlainRefused asks without TLS.
func assertPlainRefused(t *testing.T, c *collector.Collector) {
	t.Helper()
	for _, endpoint := range []string{c.HTTP, c.OTLPHTTP} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+endpoint+"/health", nil)
		require.NoError(t, err)
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		_ = resp.Body.Close()
		assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
	}
}

// assertLoopback checks that an endpoint cannot be reached by this machine's other
// addresses.
func assertLoopback(t *testing.T, endpoint string) {
	t.Helper()
	_, port, err := net.SplitHostPort(endpoint)
	require.NoError(t, err)
	addresses, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, a := range addresses {
		network, ok := a.(*net.IPNet)
		if !ok || network.IP.IsLoopback() || network.IP.IsLinkLocalUnicast() {
			continue
		}
		dialer := net.Dialer{Timeout: 2 * time.Second}
		conn, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(network.IP.String(), port))
		if !assert.Error(t, err, "%s answers on %s", endpoint, network.IP) {
			_ = conn.Close()
		}
	}
}

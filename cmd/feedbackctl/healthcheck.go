// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/console"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/tlsflags"
)

const (
	envHTTPEndpoint = "COLLECTOR_HTTP__ENDPOINT"
	envTLSCertFile  = "COLLECTOR_TLS__CERT_FILE"

	// What is printed of an answer.
	maxHealthText = 300
)

// errUnhealthy ends a health check whose answer was not good.
var errUnhealthy = errors.New("not healthy")

type healthFlags struct {
	endpoint, grpc string
	live           bool
	tls            tlsflags.Flags
	insecure       bool
	timeout        time.Duration
}

func newHealthcheckCommand(s streams) *cobra.Command {
	var f healthFlags
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask a collector whether it can take events",
		Long: `Ask a collector whether it can take events, once, for the health check of a
container or a service manager.

It asks GET /ready, with --live GET /health (the process answers), with --grpc
the service grpc.health.v1. Without --endpoint it asks the collector of its own
environment: the port of $` + envHTTPEndpoint + ` on loopback, over TLS if
$` + envTLSCertFile + ` is set; that certificate was made for other
names than localhost and is not verified.

The exit code is 0 if the answer is good, 1 if it is not or there is none, 2 if
the command line is wrong.`,
		Example: `  feedbackctl healthcheck
  feedbackctl healthcheck --live --timeout 1s
  feedbackctl healthcheck --endpoint https://collector.example --tls-ca ca.pem
  feedbackctl healthcheck --grpc localhost:9090`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), s) },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVarP(&f.endpoint, "endpoint", "e", "", "the collector's address (default $"+envHTTPEndpoint+" on loopback, or "+defaultEndpoint+")")
	fs.StringVar(&f.grpc, "grpc", "", "host:port of its gRPC server, asked instead; over TLS with any --tls flag or --insecure")
	fs.BoolVar(&f.live, "live", false, "only ask whether the process answers")
	f.tls.Register(fs, "", "")
	fs.BoolVar(&f.insecure, "insecure", false, "do not verify the server's certificate")
	fs.DurationVar(&f.timeout, "timeout", 3*time.Second, "how long to wait for the answer")
	cmd.MarkFlagsMutuallyExclusive("endpoint", "grpc")
	cmd.MarkFlagsMutuallyExclusive("live", "grpc")
	cmd.MarkFlagsMutuallyExclusive("insecure", "tls-ca")
	return cmd
}

func (f *healthFlags) run(ctx context.Context, s streams) error {
	if f.timeout <= 0 {
		return usagef("--timeout must be positive")
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	if f.endpoint == "" && f.grpc == "" {
		if err := f.ownEndpoint(s.getenv); err != nil {
			return err
		}
	}
	conf, err := f.tls.Config()
	if err != nil {
		return usageError{err}
	}
	conf.InsecureSkipVerify = f.insecure
	ask := f.askHTTP
	if f.grpc != "" {
		ask = f.askGRPC
	}
	answer, err := ask(ctx, conf)
	var usage usageError
	if errors.As(err, &usage) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errUnhealthy, err)
	}
	_, err = fmt.Fprintln(s.out, console.Clean(answer))
	return err
}

// ownEndpoint is where the collector of this environment listens. What it says
// of itself there is no secret, and nothing is sent.
func (f *healthFlags) ownEndpoint(getenv func(string) string) error {
	f.endpoint = defaultEndpoint
	scheme := "http"
	if getenv(envTLSCertFile) != "" {
		scheme, f.endpoint = "https", strings.Replace(defaultEndpoint, "http:", "https:", 1)
		f.insecure = true
	}
	listen := getenv(envHTTPEndpoint)
	if listen == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return usagef("%s: %v", envHTTPEndpoint, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost" // whichever family is there
	} else if !isLoopback(host) {
		f.insecure = false
	}
	f.endpoint = scheme + "://" + net.JoinHostPort(host, port)
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (f *healthFlags) askHTTP(ctx context.Context, conf *tls.Config) (string, error) {
	address := f.endpoint
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", usagef("--endpoint: must be http(s)://host:port")
	}
	u = u.JoinPath("/ready")
	if f.live {
		u = u.JoinPath("../health")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", err
	}
	// No proxy: it is this collector that is asked.
	transport := &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxHealthText))
	if err != nil {
		return "", err
	}
	answer := strings.TrimSpace(fmt.Sprintf("%s answered %s: %s", u, resp.Status, text))
	if resp.StatusCode != http.StatusOK {
		return "", errors.New(answer)
	}
	return answer, nil
}

func (f *healthFlags) askGRPC(ctx context.Context, conf *tls.Config) (string, error) {
	creds := insecure.NewCredentials()
	if f.tls.Set() || f.insecure {
		creds = credentials.NewTLS(conf)
	}
	conn, err := grpc.NewClient(f.grpc, grpc.WithTransportCredentials(creds), grpc.WithNoProxy())
	if err != nil {
		return "", usagef("--grpc: %v", err)
	}
	defer conn.Close()
	resp, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{}, grpc.WaitForReady(false))
	if err != nil {
		return "", fmt.Errorf("%s: %w", f.grpc, err)
	}
	answer := fmt.Sprintf("%s answered %s", f.grpc, resp.GetStatus())
	if resp.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		return "", errors.New(answer)
	}
	return answer, nil
}

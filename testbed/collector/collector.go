// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package collector runs the built binary as its users do: a process with
// configuration files and environment variables, on ports of its own.
package collector // import "github.com/otelcol-feedback/otelcol-feedback/testbed/collector"

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/ports"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/process"
)

// Options say how a collector is started.
type Options struct {
	// Configs are its configuration files, or other URIs that --config takes.
	Configs []string
	// Env are environment variables, NAME=value; they come after those that
	// Start sets and override them.
	Env []string
	// Args are further arguments (--set, --feature-gates).
	Args []string
	// Endpoints are those of a collector that ran before and is started again;
	// without them Start takes free ports.
	Endpoints *Endpoints
	// Dir is its working directory, where its log and data go.
	Dir string
	// TLS is how clients reach its servers if they are secured.
	TLS *tls.Config
}

// Endpoints are the addresses of a collector, host:port on loopback.
type Endpoints struct {
	HTTP, GRPC, OTLPGRPC, OTLPHTTP, Metrics, Zpages, Kafka string
}

// Collector is a running collector.
type Collector struct {
	Endpoints
	// TLS is how clients reach its servers; nil if they are not secured.
	TLS  *tls.Config
	proc *process.Process
}

// Start starts the binary; it does not wait until the collector is ready.
func Start(binary string, opts Options) (*Collector, error) {
	endpoints := opts.Endpoints
	if endpoints == nil {
		free, err := ports.Free(7)
		if err != nil {
			return nil, err
		}
		at := func(i int) string { return ports.Loopback(free[i]) }
		endpoints = &Endpoints{
			HTTP: at(0), GRPC: at(1), OTLPGRPC: at(2), OTLPHTTP: at(3), Metrics: at(4), Zpages: at(5), Kafka: at(6),
		}
	}
	_, metricsPort, err := net.SplitHostPort(endpoints.Metrics)
	if err != nil {
		return nil, err
	}
	c := &Collector{Endpoints: *endpoints, TLS: opts.TLS}
	cmd := exec.Command(binary, Args(opts.Configs, opts.Args...)...)
	cmd.Dir = opts.Dir
	cmd.Env = append(os.Environ(),
		"COLLECTOR_HTTP__ENDPOINT="+c.HTTP,
		"COLLECTOR_GRPC__ENDPOINT="+c.GRPC,
		"COLLECTOR_OTLP__GRPC_ENDPOINT="+c.OTLPGRPC,
		"COLLECTOR_OTLP__HTTP_ENDPOINT="+c.OTLPHTTP,
		"COLLECTOR_EMBEDDED_KAFKA__ENDPOINT="+c.Kafka,
		"COLLECTOR_TELEMETRY__METRICS_PORT="+metricsPort,
	)
	cmd.Env = append(cmd.Env, opts.Env...)
	c.proc, err = process.Start(cmd, filepath.Join(opts.Dir, "collector.log"))
	return c, err
}

// Args is the command line for configuration files and further arguments.
func Args(configs []string, more ...string) []string {
	var args []string
	for _, uri := range configs {
		args = append(args, "--config", uri)
	}
	return append(args, more...)
}

// AwaitReady returns when /ready has answered 200.
func (c *Collector) AwaitReady(ctx context.Context) error {
	return c.proc.Await(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		status, body, err := c.Get(ctx, "/ready")
		if err != nil {
			return err
		}
		if status != http.StatusOK {
			return fmt.Errorf("/ready answered %d: %s", status, body)
		}
		return nil
	})
}

// Get asks the feedback receiver's HTTP server for a path.
func (c *Collector) Get(ctx context.Context, path string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL(path), nil)
	if err != nil {
		return 0, "", err
	}
	req.Close = true // keep no connection that would hold the server up
	resp, err := c.client().Do(req)
	if err != nil {
		return 0, "", err
	}
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), errors.Join(err, resp.Body.Close())
}

func (c *Collector) client() *http.Client {
	if c.TLS == nil {
		return http.DefaultClient
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: c.TLS.Clone(), DisableKeepAlives: true}}
}

// URL is the address of a path on the feedback receiver's HTTP server.
func (c *Collector) URL(path string) string { return c.At(c.HTTP) + path }

// At is the address of one of its HTTP servers.
func (c *Collector) At(endpoint string) string {
	if c.TLS == nil {
		return "http://" + endpoint
	}
	return "https://" + endpoint
}

// Terminate sends SIGTERM.
func (c *Collector) Terminate() { c.proc.Signal(syscall.SIGTERM) }

// Reload sends SIGHUP.
func (c *Collector) Reload() { c.proc.Signal(syscall.SIGHUP) }

// Kill ends the process without notice.
func (c *Collector) Kill() { c.proc.Kill() }

// Stop ends the collector in an orderly way and returns its exit code; it is an
// error if that takes longer than patience.
func (c *Collector) Stop(patience time.Duration) (int, error) {
	if !c.proc.Stop(patience) {
		return -1, fmt.Errorf("the collector did not stop within %s; its log ends:\n%s", patience, c.proc.LogTail(40))
	}
	return c.proc.ExitCode(), nil
}

// Pid is the process's id, by which /proc knows it.
func (c *Collector) Pid() int { return c.proc.Pid() }

// Running reports whether the process lives.
func (c *Collector) Running() bool { return c.proc.Running() }

// Done is closed when the process has ended.
func (c *Collector) Done() <-chan struct{} { return c.proc.Done() }

// ExitCode waits for the end of the process.
func (c *Collector) ExitCode() int { return c.proc.ExitCode() }

// Log is what the collector has logged so far.
func (c *Collector) Log() string { return c.proc.Log() }

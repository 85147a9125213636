// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package hostile

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/send"
)

const (
	mib = 1 << 20
	// garbage is by how much the heap may grow between two collections
	// (feedbackruntime): memory that an attack need not hold to be seen.
	garbage = 96 * mib
)

// event is what a well-behaved client sends.
const event = `{"type":"user_feedback","session_id":"s-1","request_id":"0199b5a2-0000-7000-8000-000000000001","rating":4,"comment":"thanks"}`

// target is a collector under attack.
type target struct {
	*collector.Collector
	client *http.Client
	scheme string
}

// attacked starts a collector with the shipped collector.yaml. What passes goes
// to the debug exporter, so that the servers and the pipeline alone are measured.
func attacked(t *testing.T, overlays ...string) *target {
	t.Helper()
	return attackedEnv(t, nil, overlays...)
}

// attackedEnv is attacked with environment variables.
func attackedEnv(t *testing.T, env []string, overlays ...string) *target {
	t.Helper()
	c := collector.Run(t, options(env, overlays))
	return &target{Collector: c, client: newClient(t), scheme: "http"}
}

// attackedTLS is a collector whose HTTP server speaks TLS, and with it HTTP/2.
func attackedTLS(t *testing.T) *target {
	t.Helper()
	g := &target{Collector: collector.Launch(t, options(nil, []string{withTLS(t)})), client: newClient(t), scheme: "https"}
	g.lives(t)
	return g
}

// attackedWhole is a collector with its own exporter, too; the broker is the one
// inside a second collector, whose memory and CPU do not count.
func attackedWhole(t *testing.T, env []string, overlays ...string) *target {
	t.Helper()
	broker := collector.Run(t, collector.Options{
		Configs: []string{collector.ConfigFile("quickstart.yaml"), "yaml:extensions::zpages::endpoint: localhost:0", "yaml:service::telemetry::logs::level: error"},
	})
	opts := collector.Options{
		Configs: []string{collector.ConfigFile("collector.yaml"), "yaml:service::telemetry::logs::level: error"},
		Env:     append([]string{"COLLECTOR_KAFKA__BROKERS=" + broker.Kafka}, env...),
	}
	for _, o := range overlays {
		opts.Configs = append(opts.Configs, "yaml:"+o)
	}
	return &target{Collector: collector.Run(t, opts), client: newClient(t), scheme: "http"}
}

// attackedFull is a collector that refuses all work for want of memory.
func attackedFull(t *testing.T, overlays ...string) *target {
	t.Helper()
	overlays = append(overlays, "processors::memory_limiter: {check_interval: 1s, limit_mib: 1, spike_limit_mib: 0, limit_percentage: 0, spike_limit_percentage: 0}")
	return attackedEnv(t, nil, overlays...)
}

func options(env, overlays []string) collector.Options {
	configs := []string{
		collector.ConfigFile("collector.yaml"),
		"yaml:exporters::debug::verbosity: basic",
		"yaml:service::pipelines::logs::exporters: [debug]",
		"yaml:service::telemetry::logs::level: error",
	}
	for _, o := range overlays {
		configs = append(configs, "yaml:"+o)
	}
	return collector.Options{Configs: configs, Env: env}
}

// newClient is a client of its own: it keeps connections for a test, and no longer.
func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{
		MaxIdleConnsPerHost: 256,
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: true},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

// post sends a body to /v1/feedback; headers are name, value, name, value.
func (g *target) post(ctx context.Context, body io.Reader, headers ...string) (*send.Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.scheme+"://"+g.HTTP+"/v1/feedback", body)
	if err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Add(headers[i], headers[i+1])
	}
	return send.Do(g.client, req)
}

// mustPost is post for answers that must come.
func (g *target) mustPost(t *testing.T, body string, headers ...string) *send.Answer {
	t.Helper()
	a, err := g.post(t.Context(), strings.NewReader(body), headers...)
	require.NoError(t, err)
	return a
}

// serves checks that a normal client is served, and how fast: n requests one
// after the other, on new connections and on kept ones.
func (g *target) serves(t *testing.T, n int, median, worst time.Duration) {
	t.Helper()
	took := make([]time.Duration, 0, n)
	for i := range n {
		began := time.Now()
		a, err := g.post(t.Context(), strings.NewReader(event))
		require.NoError(t, err)
		require.Equal(t, http.StatusAccepted, a.Status, a.Body)
		took = append(took, time.Since(began))
		if i%4 == 0 {
			g.client.CloseIdleConnections()
		}
	}
	slices.Sort(took)
	t.Logf("a normal client's %d requests: median %s, 99 %% %s, longest %s", n,
		took[n/2].Round(10*time.Microsecond), took[n*99/100].Round(10*time.Microsecond), took[n-1].Round(10*time.Microsecond))
	assert.Less(t, took[n/2], median, "median")
	assert.Less(t, took[n-1], worst, "longest")
}

// status returns a field of /proc/<pid>/status in bytes: VmRSS, VmHWM.
func (g *target) memory(t *testing.T, field string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.Pid()))
	if err != nil {
		t.Skip("this system has no /proc: ", err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			require.NoError(t, err)
			return n << 10
		}
	}
	t.Fatal("no field ", field)
	return 0
}

// rss is the memory that the process has now, peak the most it ever had.
func (g *target) rss(t *testing.T) int64  { return g.memory(t, "VmRSS") }
func (g *target) peak(t *testing.T) int64 { return g.memory(t, "VmHWM") }

// cpu is the processor time that the process has used.
func (g *target) cpu(t *testing.T) time.Duration {
	t.Helper()
	var ts unix.Timespec
	clock := int32(^g.Pid()<<3 | 2) // CPUCLOCK_SCHED of a process, as in clock_getcpuclockid(3)
	require.NoError(t, unix.ClockGettime(clock, &ts))
	return time.Duration(ts.Nano())
}

// files is the number of descriptors that the process has open.
func (g *target) files(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", g.Pid()))
	require.NoError(t, err)
	return len(list)
}

// lives checks that the process did not end and is itself again: it takes
// twenty events in a row.
func (g *target) lives(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		require.True(t, g.Running(), "the collector has ended")
		for range 20 {
			a, err := g.post(t.Context(), strings.NewReader(event))
			if err != nil || a.Status != http.StatusAccepted {
				return false
			}
		}
		return true
	}, 20*time.Second, 50*time.Millisecond, "it takes no events any more")
}

// dial opens a raw connection.
func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// crowd are connections that a test holds open; each is read, so that its end is
// noticed.
type crowd struct {
	conns []net.Conn
	ended atomic.Int64
	wg    sync.WaitGroup
}

// gather opens n connections and sends the same bytes on each.
func gather(t *testing.T, address string, n int, first string) *crowd {
	t.Helper()
	c := &crowd{conns: make([]net.Conn, n)}
	t.Cleanup(c.leave)
	var dialing sync.WaitGroup
	var failed atomic.Pointer[error]
	const dialers = 16
	for d := range dialers {
		dialing.Go(func() {
			for i := d; i < n; i += dialers {
				conn, err := (&net.Dialer{Timeout: 20 * time.Second}).DialContext(t.Context(), "tcp", address)
				if err == nil && first != "" {
					_, err = io.WriteString(conn, first)
				}
				if err != nil {
					failed.CompareAndSwap(nil, &err)
					return
				}
				c.conns[i] = conn
			}
		})
	}
	dialing.Wait()
	if err := failed.Load(); err != nil {
		t.Fatalf("not all of %d connections could be opened: %v", n, *err)
	}
	for _, conn := range c.conns {
		c.wg.Go(func() {
			_, _ = io.Copy(io.Discard, conn)
			c.ended.Add(1)
		})
	}
	return c
}

// drip sends a byte on every connection, again and again, until stop is closed.
func (c *crowd) drip(every time.Duration, what string, stop <-chan struct{}) {
	c.wg.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
			for _, conn := range c.conns {
				_, _ = conn.Write([]byte{what[i%len(what)]}) // one that was cut does not mind
			}
		}
	})
}

// leave closes all connections.
func (c *crowd) leave() {
	for _, conn := range c.conns {
		if conn != nil {
			_ = conn.Close()
		}
	}
	c.wg.Wait()
}

// readAnswer reads one HTTP answer from a raw connection.
func readAnswer(t *testing.T, conn net.Conn) (*http.Response, string) {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(body)
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package observability

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/ports"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/process"
)

// programsEnv names the directory that holds prometheus and promtool.
const programsEnv = "FEEDBACK_PROMETHEUS"

// program is the path of prometheus or promtool. Without it the test is
// skipped; with CI=true it fails.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(filepath.Join(os.Getenv(programsEnv), name))
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil || os.Getenv(programsEnv) == "" {
		what := programsEnv + " names no directory with " + name + ": run \"make test-observability\", which sets it"
		if os.Getenv("CI") == "true" {
			t.Fatal(what)
		}
		t.Skip(what)
	}
	return path
}

// shipped is a path below distribution/observability.
func shipped(elements ...string) string {
	return filepath.Join(append([]string{"..", "..", "distribution", "observability"}, elements...)...)
}

// server is a running Prometheus.
type server struct {
	url    string
	client *http.Client
}

var (
	window   = regexp.MustCompile(`\[\d+([mhd])\]`)
	holding  = regexp.MustCompile(`(?m)^( +for:) .*$`)
	interval = regexp.MustCompile(`(?m)^( +interval:) .*$`)
)

// hasten makes rules for a test out of those that are shipped: the same
// expressions over seconds. A machine that runs tests is slow, too: what is slow
// for a collector in production says nothing here.
func hasten(rules string) string {
	rules = window.ReplaceAllStringFunc(rules, func(w string) string {
		switch m := window.FindStringSubmatch(w); {
		case w == "[30d]":
			return "[10m]"
		case m[1] == "m":
			return "[10s]"
		default:
			return "[20s]"
		}
	})
	rules = holding.ReplaceAllString(rules, "$1 2s")
	rules = interval.ReplaceAllString(rules, "$1 1s")
	rules = strings.ReplaceAll(rules, `le="0.01"`, `le="0.5"`)
	return strings.ReplaceAll(rules, `collector_ingestion_latency_ms{quantile="0.99"} > 50`, `collector_ingestion_latency_ms{quantile="0.99"} > 1000`)
}

// startServer starts a Prometheus that scrapes an address every two seconds.
func startServer(t *testing.T, scrape string) *server {
	t.Helper()
	binary := program(t, "prometheus")
	dir := t.TempDir()
	for _, name := range []string{"recording.yaml", "slo.yaml", "alerts.yaml"} {
		text, err := os.ReadFile(shipped("prometheus", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(hasten(string(text))), 0o600))
	}
	text, err := os.ReadFile(shipped("prometheus", "prometheus.yaml"))
	require.NoError(t, err)
	config := strings.NewReplacer("localhost:8888", scrape, "scrape_interval: 15s", "scrape_interval: 2s", "evaluation_interval: 15s", "evaluation_interval: 1s").Replace(string(text))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "prometheus.yaml"), []byte(config), 0o600))

	free, err := ports.Free(1)
	require.NoError(t, err)
	address := ports.Loopback(free[0])
	cmd := exec.Command(binary, "--config.file="+filepath.Join(dir, "prometheus.yaml"), "--web.listen-address="+address,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--log.level=warn", "--query.lookback-delta=10s")
	p, err := process.Start(cmd, filepath.Join(dir, "prometheus.log"))
	require.NoError(t, err)
	s := &server{url: "http://" + address, client: &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}}
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		p.Stop(20 * time.Second)
		if t.Failed() {
			t.Logf("Prometheus says:\n%s", p.LogTail(20))
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, p.Await(ctx, func(ctx context.Context) error { return s.get(ctx, "/-/ready", nil, nil) }))
	return s
}

// get asks for a path and decodes the data of the answer.
func (s *server) get(ctx context.Context, path string, query url.Values, data any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %d: %s", path, resp.StatusCode, body)
	}
	if data == nil {
		return nil
	}
	return json.Unmarshal(body, &struct{ Data any }{data})
}

// line is a series with its points.
type line struct {
	Metric map[string]string
	Value  point
	Values []point
}

// point is a time in seconds and a value.
type point struct{ At, Value float64 }

// UnmarshalJSON reads [seconds, "value"].
func (p *point) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &[]any{&p.At, &text}); err != nil {
		return err
	}
	var err error
	p.Value, err = strconv.ParseFloat(text, 64)
	return err
}

// real reports whether there is a number, so that something can be drawn.
func (p point) real() bool { return !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) }

// query evaluates an expression at a time.
func (s *server) query(ctx context.Context, expr string, at time.Time) ([]line, error) {
	var data struct{ Result []line }
	err := s.get(ctx, "/api/v1/query", url.Values{"query": {expr}, "time": {seconds(at)}}, &data)
	return data.Result, err
}

// queryRange evaluates an expression at each step from one time to another.
func (s *server) queryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]line, error) {
	var data struct{ Result []line }
	err := s.get(ctx, "/api/v1/query_range", url.Values{
		"query": {expr}, "start": {seconds(from)}, "end": {seconds(to)}, "step": {strconv.FormatFloat(step.Seconds(), 'f', 3, 64)},
	}, &data)
	return data.Result, err
}

func seconds(at time.Time) string {
	return strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)
}

// alerts are the states of the alerts that are pending or firing, by name.
func (s *server) alerts(ctx context.Context) (map[string]string, error) {
	var data struct {
		Alerts []struct {
			Labels map[string]string
			State  string
		}
	}
	if err := s.get(ctx, "/api/v1/alerts", nil, &data); err != nil {
		return nil, err
	}
	states := map[string]string{}
	for _, a := range data.Alerts {
		if name := a.Labels["alertname"]; states[name] != firing {
			states[name] = a.State
		}
	}
	return states, nil
}

const firing = "firing"

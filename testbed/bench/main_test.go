// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/otelcol-feedback/otelcol-feedback/internal/load"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/kafka"
)

// The environment of this package's tests, beside those of the testbed.
const (
	// benchEnv is what is to be measured: peers, load, soak or profile.
	benchEnv = "BENCH"
	// secondsEnv is how long each load runs; 10 if it is not set.
	secondsEnv = "BENCH_SECONDS"
	// roundsEnv is how often the comparison is made; 3 if it is not set.
	roundsEnv = "BENCH_ROUNDS"
	// goalsEnv makes a goal that was missed fail.
	goalsEnv = "BENCH_GOALS"
	// outEnv is where reports go, as JSON.
	outEnv = "BENCH_OUT"
	// pageEnv is the page into which tables are written.
	pageEnv = "BENCH_PAGE"
)

// partitions of each topic, as many as feedbackctl makes.
const partitions = 12

var shared struct {
	once    sync.Once
	dir     string
	cluster *kafka.Cluster
	err     error
}

func TestMain(m *testing.M) {
	if settings := os.Getenv(LimitEnv); settings != "" {
		os.Exit(beLimit(settings))
	}
	code := m.Run()
	if shared.cluster != nil {
		shared.cluster.Stop()
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	http.DefaultClient.CloseIdleConnections()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func beLimit(settings string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var o Limit
	err := json.Unmarshal([]byte(settings), &o)
	if err == nil {
		err = o.Run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// arena is where contestants run: a Kafka node.
type arena struct {
	binary  string
	brokers []string
	admin   *kadm.Client
}

func newArena(t *testing.T) *arena {
	t.Helper()
	a := &arena{binary: collector.Binary(t)}
	libs := kafka.Libs(t)
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "testbed-bench-"); shared.err != nil { //nolint:usetesting // it outlives this test
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		shared.cluster, shared.err = kafka.Start(ctx, libs, shared.dir, kafka.Options{
			Properties: map[string]string{"log.segment.delete.delay.ms": "100"}, // of topics that are done with
		})
	})
	require.NoError(t, shared.err)
	a.brokers = shared.cluster.Brokers()
	client, err := shared.cluster.Client()
	require.NoError(t, err)
	t.Cleanup(client.Close)
	a.admin = kadm.NewClient(client)
	return a
}

// start starts a contestant with topics of its own, until the end of the test.
func (a *arena) start(t *testing.T, c Contestant) (*Running, string) {
	t.Helper()
	topic := "bench-" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(t.Name())) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	require.NoError(t, shared.cluster.CreateTopic(ctx, topic, partitions, nil))
	require.NoError(t, shared.cluster.CreateTopic(ctx, topic+"-dlq", 1, nil))
	t.Cleanup(func() {
		_, err := a.admin.DeleteTopics(context.Background(), topic, topic+"-dlq")
		assert.NoError(t, err)
	})
	r, err := c.Start(ctx, a.binary, t.TempDir(), a.brokers, topic)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, r.Stop()) })
	return r, topic
}

// measure runs a load on a contestant and asserts that the work was done.
func (a *arena) measure(t *testing.T, r *Running, topic string, p load.Plan) *load.Report {
	t.Helper()
	p.PID, p.Topic, p.Kafka = r.PID, topic, []kgo.Opt{kgo.SeedBrokers(a.brokers...)}
	if p.Target == "" {
		by := r.Config()
		p.Transport, p.Target = by.Transport, by.Target
	}
	if p.Name == "" {
		p.Name = r.Name
	}
	ctx, cancel := context.WithTimeout(t.Context(), p.Duration+p.Warmup+3*time.Minute)
	defer cancel()
	report, err := load.Measure(ctx, p)
	require.NoError(t, err, p.Name)
	var text strings.Builder
	require.NoError(t, report.Write(&text))
	t.Logf("%s\n%s", p.Name, text.String())
	if !r.Unsafe {
		assert.Zero(t, report.Events.Lost, "%s: acknowledged and not on Kafka", p.Name)
		assert.Zero(t, report.Events.Twice, "%s: on Kafka twice", p.Name)
	}
	assert.Positive(t, report.Events.Arrived, p.Name)
	keep(t, report)
	return report
}

// keep appends a report to the file of this run.
func keep(t *testing.T, report *load.Report) {
	t.Helper()
	dir := os.Getenv(outEnv)
	if dir == "" {
		return
	}
	f, err := os.OpenFile(filepath.Join(dir, os.Getenv(benchEnv)+".json"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	require.NoError(t, json.NewEncoder(f).Encode(report))
}

// wanted skips the test unless it is what is to be measured.
func wanted(t *testing.T, what string) {
	t.Helper()
	if os.Getenv(benchEnv) != what {
		t.Skipf("measures: run \"make %s\"", map[string]string{"peers": "bench-peers", "load": "bench-load", "soak": "soak"}[what])
	}
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	require.Positive(t, n, name)
	return n
}

// seconds is how long each load runs.
func seconds(t *testing.T, otherwise int) time.Duration {
	return time.Duration(number(t, secondsEnv, otherwise)) * time.Second
}

// machine describes where this runs; it is asked before anything is started.
func machine() string {
	version, _ := exec.Command(os.Getenv(collector.BinEnv), "--version").Output()
	return Machine(strings.TrimSpace(string(version)), os.Getenv(kafka.LibsEnv))
}

// goals collects what was aimed at and what came of it.
type goals struct {
	rows [][]string
}

func newGoals() *goals { return &goals{rows: [][]string{{"goal", "at most", "seen", ""}}} }

// most notes a goal that is met by figures up to a bound.
func (g *goals) most(t *testing.T, what string, bound, got float64, unit string) {
	t.Helper()
	verdict := "met"
	if !(got <= bound) {
		verdict = "**missed**"
		if os.Getenv(goalsEnv) == "1" {
			assert.LessOrEqual(t, got, bound, what)
		}
	}
	g.rows = append(g.rows, []string{what, strings.TrimSpace(figure(bound) + " " + unit), strings.TrimSpace(figure(got) + " " + unit), verdict})
}

// figure is a number with the digits that mean something.
func figure(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// publish writes a section of the page, unless the test has failed.
func publish(t *testing.T, section, text string) {
	t.Helper()
	t.Logf("%s\n%s", section, text)
	if page := os.Getenv(pageEnv); page != "" && !t.Failed() {
		require.NoError(t, Publish(page, section, text))
	}
}

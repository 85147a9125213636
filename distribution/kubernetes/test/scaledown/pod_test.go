// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package scaledown

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/distribution/kubernetes/test/chart"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/kafka"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/topic"
)

const (
	events  = "feedback-events"
	letters = "feedback-events-dlq"
)

// pod is pod 0 of the chart's workload: its claim is a folder, its image the built
// binaries.
type pod struct {
	workload *chart.Workload
	options  collector.Options
	spool    string
	sent     int
	// acknowledged are the ids of events that were answered with 202.
	acknowledged []string
}

func newPod(t *testing.T, cluster *kafka.Cluster, values ...string) *pod {
	t.Helper()
	d, err := chart.NewDecoder(nil)
	require.NoError(t, err)
	objects, err := d.DecodeAll(chart.Render(t, "--set", strings.Join(values, ",")), func(err error) { t.Log(err) })
	require.NoError(t, err)
	w, err := chart.FindWorkload(objects)
	require.NoError(t, err)
	files, err := w.Write(t.TempDir())
	require.NoError(t, err)

	p := &pod{workload: w, spool: filepath.Join(t.TempDir(), "spool")}
	p.options = collector.Options{Configs: files, Dir: t.TempDir()}
	for name, value := range w.Env() {
		switch {
		case strings.HasSuffix(name, "ENDPOINT"): // where Start says
			continue
		case name == "COLLECTOR_KAFKA__BROKERS":
			value = strings.Join(cluster.Brokers(), ",")
		case name == "COLLECTOR_SPOOL__DIRECTORY":
			value = p.spool
		}
		p.options.Env = append(p.options.Env, name+"="+value)
	}
	return p
}

// send sends so many events, one a request, and keeps the ids of those that were taken.
func (p *pod) send(t *testing.T, c *collector.Collector, n int) {
	t.Helper()
	for range n {
		p.sent++
		id := uuid.NewString()
		body := fmt.Sprintf(`{"type":"user_feedback","event_id":%q,"session_id":"s-%d","request_id":%q,"rating":5}`, id, p.sent%20, uuid.NewString())
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL("/v1/feedback"), strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		answer, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusAccepted, resp.StatusCode, "%s", answer)
		p.acknowledged = append(p.acknowledged, id)
	}
}

// stored is how many events the spool holds.
func (p *pod) stored(t *testing.T) int {
	t.Helper()
	out, err := exec.Command(feedbackctl(t), "spool", "status", "--directory", p.spool, "--output", "json").Output()
	require.NoError(t, err)
	var report struct{ Entries int }
	require.NoError(t, json.Unmarshal(out, &report))
	return report.Entries
}

// hook is the preStop hook while it runs.
type hook struct {
	cmd  *exec.Cmd
	out  bytes.Buffer
	done chan struct{}
	err  error
}

func (p *pod) preStop(ctx context.Context, t *testing.T) *hook {
	t.Helper()
	command := p.workload.PreStop(feedbackctl(t), p.spool)
	require.NotEmpty(t, command)
	h := &hook{cmd: exec.CommandContext(ctx, command[0], command[1:]...), done: make(chan struct{})}
	h.cmd.Stdout, h.cmd.Stderr = &h.out, &h.out
	require.NoError(t, h.cmd.Start())
	go func() {
		defer close(h.done)
		h.err = h.cmd.Wait()
	}()
	return h
}

// end ends a pod as the kubelet does: the hook, then SIGTERM, and SIGKILL when the
// grace period, which began with the hook, is over. It returns the hook's output and
// exit code, and whether the process had to be killed.
func (p *pod) end(t *testing.T, c *collector.Collector, during func()) (string, int, bool) {
	t.Helper()
	grace := time.Duration(*p.workload.Pod.Spec.TerminationGracePeriodSeconds) * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), grace)
	defer cancel()
	h := p.preStop(ctx, t)
	during()
	<-h.done
	c.Terminate()
	select {
	case <-c.Done():
		return h.out.String(), h.cmd.ProcessState.ExitCode(), false
	case <-ctx.Done():
		c.Kill()
		<-c.Done()
		return h.out.String(), h.cmd.ProcessState.ExitCode(), true
	}
}

// assertDelivered: each acknowledged event is there, and once if that is asked for.
func (p *pod) assertDelivered(t *testing.T, cluster *kafka.Cluster, once bool) {
	t.Helper()
	seen := map[string]int{}
	tail := topic.NewTail(cluster.Brokers(), events, true)
	missing := func() []string {
		records, err := tail.Read(t.Context())
		require.NoError(t, err)
		for _, r := range records {
			id, _ := topic.Header(r, "event_id")
			seen[id]++
		}
		return slices.DeleteFunc(slices.Clone(p.acknowledged), func(id string) bool { return seen[id] > 0 })
	}
	require.Eventually(t, func() bool { return len(missing()) == 0 }, time.Minute, 200*time.Millisecond, "acknowledged events are missing")
	twice := 0
	for _, n := range seen {
		if n > 1 {
			twice++
		}
	}
	t.Logf("%d acknowledged, all delivered, %d of them twice", len(p.acknowledged), twice)
	if once {
		assert.Zero(t, twice)
		assert.Len(t, seen, len(p.acknowledged))
	}
}

func feedbackctl(t *testing.T) string {
	t.Helper()
	if os.Getenv("FEEDBACK_CTL") == "" {
		chart.Missing(t, `FEEDBACK_CTL names no feedbackctl: run "make test-kubernetes", which sets it`)
	}
	return os.Getenv("FEEDBACK_CTL")
}

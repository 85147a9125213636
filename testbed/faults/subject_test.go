// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/kafka"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/ledger"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/topic"
)

// The modes, each a file in config/.
const (
	byDefault   = "default"
	durable     = "durable"
	exactlyOnce = "exactly-once"
	daemon      = "daemon"
)

var modeFiles = map[string]string{
	byDefault: "collector.yaml", durable: "durable.yaml", exactlyOnce: "exactly-once.yaml", daemon: "daemon.yaml",
}

// subject is a collector in one mode, with topics and a ledger of its own.
type subject struct {
	mode, dir         string
	topic, deadLetter string
	configs           []string
	env               []string
	collector         *collector.Collector
	kills             []time.Time
	ledger            *ledger.Ledger
	load              *ledger.Run
	tail, dead        *topic.Tail
	skipped           int
	ended             bool
	era               int // how often its topic was made anew
	probe             *probe
	// identify finds the ledger's id of a record where it is not the event_id.
	identify func(rec *kgo.Record, eventID string) string
}

// newSubject makes a subject; its topics and its collector do not exist yet.
func (s *scenario) newSubject(t *testing.T, mode string) *subject {
	t.Helper()
	name := s.name + "." + mode
	sub := &subject{
		mode: mode, dir: filepath.Join(t.TempDir(), mode), topic: name + ".events", deadLetter: name + ".dlq",
		ledger: ledger.New(),
	}
	require.NoError(t, os.Mkdir(sub.dir, 0o700))
	sub.tail = topic.NewTail(s.kafka.Brokers(), sub.topic, true)
	sub.dead = topic.NewTail(s.kafka.Brokers(), sub.deadLetter, true)
	sub.configs = []string{collector.ConfigFile(modeFiles[mode])}
	brokers := s.kafka.Gates()
	if s.row.secured {
		brokers = s.kafka.Secured()
		sub.overlay(t, "secured", fmt.Sprintf(
			"exporters: {feedbackkafka: {auth: {sasl: {mechanism: PLAIN, username: %s, password: %s}}}}\n", kafka.User, kafka.Password))
	}
	if s.row.overlay != nil {
		if text := s.row.overlay(mode); text != "" {
			sub.overlay(t, "row", text)
		}
	}
	sub.env = []string{
		"COLLECTOR_KAFKA__BROKERS=" + strings.Join(brokers, ","),
		"COLLECTOR_KAFKA__TOPIC=" + sub.topic,
		"COLLECTOR_ERROR_HANDLING__DLQ_TOPIC=" + sub.deadLetter,
		"COLLECTOR_SERVICE__INSTANCE_ID=" + name,
		"COLLECTOR_SPOOL__DIRECTORY=" + sub.spool(),
		"COLLECTOR_TELEMETRY__TRACE_SAMPLING_RATE=0",
	}
	if !s.long {
		sub.env = append(sub.env, "COLLECTOR_ERROR_HANDLING__CIRCUIT_BREAKER_TIMEOUT=2s")
	}
	sub.env = append(sub.env, s.row.env...)
	t.Cleanup(func() { sub.end(t) })
	return sub
}

// overlay adds a configuration on top of the others.
func (sub *subject) overlay(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(sub.dir, name+".yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	sub.configs = append(sub.configs, file)
}

// spool is where the subject stores what it cannot deliver.
func (sub *subject) spool() string { return filepath.Join(sub.dir, "spool") }

// start starts the collector, or starts it again where it was.
func (sub *subject) start(t *testing.T) {
	t.Helper()
	opts := collector.Options{Configs: sub.configs, Env: sub.env, Dir: sub.dir}
	if sub.collector != nil {
		opts.Endpoints = &sub.collector.Endpoints
	}
	c, err := collector.Start(collector.Binary(t), opts)
	require.NoError(t, err)
	sub.collector = c
}

func (sub *subject) awaitReady(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, sub.collector.AwaitReady(ctx), sub.mode)
}

// reload sends SIGHUP and returns when the collector, which was not ready in
// between, is ready again.
func (s *scenario) reload(sub *subject) {
	s.t.Helper()
	before := strings.Count(sub.collector.Log(), reloadedLine)
	sub.collector.Reload()
	require.Eventually(s.t, func() bool { return strings.Count(sub.collector.Log(), reloadedLine) > before },
		40*time.Second, 50*time.Millisecond, "the collector does not reload")
	sub.awaitReady(s.t)
}

// reloadedLine is what a collector logs when it has started, each time.
const reloadedLine = "Everything is ready. Begin running and processing data."

// kill ends the collector without notice.
func (sub *subject) kill() {
	sub.kills = append(sub.kills, time.Now())
	sub.collector.Kill()
}

// stop ends the collector in an orderly way, which must take less than the
// time it has for that.
func (sub *subject) stop(t *testing.T) {
	t.Helper()
	if sub.collector == nil || !sub.collector.Running() {
		return
	}
	code, err := sub.collector.Stop(30 * time.Second)
	if err != nil || code != 0 {
		t.Errorf("%s: the collector ended with %d: %v", sub.mode, code, err)
	}
}

// end is for the end of the test, however it comes.
func (sub *subject) end(t *testing.T) {
	sub.pause()
	sub.probe.stop()
	if sub.collector == nil || sub.ended {
		return
	}
	sub.ended = true
	sub.collector.Kill()
	log := sub.collector.Log()
	for _, sign := range []string{"panic: ", "DATA RACE", "goroutine 1 ["} {
		if strings.Contains(log, sign) {
			t.Errorf("%s: the collector's log holds %q", sub.mode, sign)
		}
	}
	if t.Failed() {
		keep := os.Getenv("FEEDBACK_FAULTS_KEEP")
		if keep != "" {
			_ = os.MkdirAll(keep, 0o700)
			_ = os.WriteFile(filepath.Join(keep, sub.topic+".log"), []byte(log), 0o600)
		}
		lines := strings.Split(strings.TrimSpace(log), "\n")
		lines = slices.DeleteFunc(lines, func(l string) bool { return !strings.HasPrefix(l, "20") })
		t.Logf("%s: the collector's log ends:\n%s", sub.mode, strings.Join(lines[max(0, len(lines)-25):], "\n"))
	}
}

// send begins the load.
func (sub *subject) send(t *testing.T, load ledger.Load) {
	t.Helper()
	load.URL = sub.collector.URL("/v1/feedback")
	// Not bound to the test: pause ends it, at the latest at the test's end.
	sub.load = sub.ledger.Start(context.Background(), load)
	if sub.probe == nil {
		sub.probe = newProbe(sub.collector.URL("/health"))
	}
}

// pause ends the load, and waits for its answers.
func (sub *subject) pause() {
	if sub.load != nil {
		sub.skipped += sub.load.Stop()
		sub.load = nil
	}
}

// read enters what has arrived in the ledger.
func (sub *subject) read(ctx context.Context) error {
	for _, at := range []struct {
		tail *topic.Tail
		dead bool
	}{{sub.tail, false}, {sub.dead, true}} {
		records, err := at.tail.Read(ctx)
		for _, rec := range records {
			id, _ := topic.Header(rec, "event_id")
			if sub.identify != nil && !at.dead {
				id = sub.identify(rec, id)
			}
			place := ledger.Place{
				Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Stored: rec.Timestamp, Committed: true,
			}
			if !at.dead {
				place.Era = sub.era
			}
			sub.ledger.Seen(id, place, at.dead)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

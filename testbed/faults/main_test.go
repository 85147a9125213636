// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/proxy"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/kafka"
)

// chaosEnv is short, long or costs.
const chaosEnv = "CHAOS"

// world is what all rows share, one after the other.
type world struct {
	long  bool
	dir   string
	kafka *kafka.Cluster
	gates proxy.Group
	table table
}

var shared struct {
	once sync.Once
	*world
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if w := shared.world; w != nil {
		w.close()
		if err := w.table.write(w.long); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
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

// theWorld starts three brokers, each behind a proxy, for the first row.
func theWorld(t *testing.T) *world {
	t.Helper()
	how := os.Getenv(chaosEnv)
	if how != "short" && how != "long" && how != costs {
		t.Skip(chaosEnv + " is neither short nor long: run \"make test-faults\" or \"make chaos\"")
	}
	libs := kafka.Libs(t)
	collector.Binary(t)
	shared.once.Do(func() {
		dir, err := os.MkdirTemp("", "testbed-faults-") //nolint:usetesting // it outlives this test
		if err != nil {
			shared.err = err
			return
		}
		shared.world = &world{long: how == "long", dir: dir}
		shared.err = shared.start(libs)
	})
	require.NoError(t, shared.err)
	return shared.world
}

func (w *world) start(libs string) error {
	// A broker that dies is noticed after 5 s, not 9: the rows are short.
	properties := map[string]string{"broker.session.timeout.ms": "5000", "broker.heartbeat.interval.ms": "500"}
	if w.long {
		properties = map[string]string{}
	}
	properties["log.segment.delete.delay.ms"] = "100" // of the topics of rows that are over
	opts := kafka.Options{Nodes: 3, Gated: true, Secured: true, HeapMiB: 320, Properties: properties}
	var err error
	for try := range 3 { // on a busy machine a quorum now and then does not come together
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		w.kafka, err = kafka.Start(ctx, libs, filepath.Join(w.dir, strconv.Itoa(try)), opts)
		cancel()
		if err == nil {
			return w.openGates()
		}
	}
	return err
}

// openGates puts a proxy in front of each broker.
func (w *world) openGates() error {
	for _, n := range w.kafka.Nodes {
		p, err := proxy.New(n.GateAddr(), n.GateTarget())
		if err != nil {
			return err
		}
		w.gates = append(w.gates, p)
	}
	return nil
}

func (w *world) close() {
	w.gates.Close()
	if w.kafka != nil {
		for _, n := range w.kafka.Nodes {
			n.Kill() // nobody needs its data any more
		}
	}
	_ = os.RemoveAll(w.dir)
}

// pick is the short or the long form of something.
func pick[T any](w *world, short, long T) T {
	if w.long {
		return long
	}
	return short
}

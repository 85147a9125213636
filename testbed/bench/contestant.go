// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/load"
	"github.com/otelcol-feedback/otelcol-feedback/internal/ports"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/process"
)

// LimitEnv holds a [Limit] as JSON when this package's test binary is to be it.
const LimitEnv = "BENCH_LIMIT"

// Contestant is something that takes events in and puts them on Kafka.
type Contestant struct {
	// Name stands in tables.
	Name string
	// Configs are files of config/ or testdata/; without any it is the limit.
	Configs []string
	// Transport carries its events. The limit is sent lines, others as this says.
	Transport load.Transport
	// Waits says that its answer means that Kafka has the events.
	Waits bool
	// Unsafe says that it is known to lose what it acknowledged, or to write it
	// twice: the table shows how much.
	Unsafe bool
	// Env are further variables, NAME=value.
	Env []string
}

// Contestants are those of the comparison. The first two are ours, the last two
// the limit.
func Contestants() []Contestant {
	return []Contestant{
		{Name: "ours, default", Configs: []string{"collector.yaml"}, Transport: load.HTTP},
		{Name: "ours, durable", Configs: []string{"durable.yaml"}, Transport: load.HTTP, Waits: true},
		{Name: "stock collector, OTLP/gRPC", Configs: []string{"stock.yaml"}, Transport: load.OTLPGRPC, Unsafe: true},
		{Name: "stock collector, OTLP/HTTP", Configs: []string{"stock.yaml"}, Transport: load.OTLPHTTP, Unsafe: true},
		{Name: "stock collector that waits, OTLP/gRPC", Configs: []string{"stock.yaml", "stock-waits.yaml"}, Transport: load.OTLPGRPC, Waits: true},
		{Name: "limit: net/http, franz-go", Transport: load.NDJSON},
		{Name: "limit that waits", Transport: load.NDJSON, Waits: true},
	}
}

// Running is a contestant that runs.
type Running struct {
	Contestant
	// PID is its process.
	PID    int
	target map[load.Transport]string
	stop   func(patience time.Duration) error
	// Collector is nil for the limit.
	Collector *collector.Collector
}

// Start starts a contestant that writes to a topic, with its files in dir, and
// returns when it takes connections.
func (c Contestant) Start(ctx context.Context, binary, dir string, brokers []string, topic string) (*Running, error) {
	if len(c.Configs) == 0 {
		return c.startLimit(ctx, dir, brokers, topic)
	}
	configs := make([]string, len(c.Configs))
	for i, name := range c.Configs {
		configs[i] = collector.ConfigFile(name)
		if _, err := os.Stat(configs[i]); err != nil {
			configs[i] = filepath.Join(filepath.Dir(collector.ConfigFile("")), "testbed", "bench", "testdata", name)
		}
	}
	env := append([]string{
		"COLLECTOR_KAFKA__BROKERS=" + strings.Join(brokers, ","),
		"COLLECTOR_KAFKA__TOPIC=" + topic,
		"COLLECTOR_ERROR_HANDLING__DLQ_TOPIC=" + topic + "-dlq",
		"COLLECTOR_SPOOL__DIRECTORY=" + filepath.Join(dir, "spool"),
		"COLLECTOR_SERVICE__INSTANCE_ID=bench",
		"GOTRACEBACK=all", // see Goroutines
	}, c.Env...)
	run, err := collector.Start(binary, collector.Options{Configs: configs, Env: env, Dir: dir})
	if err != nil {
		return nil, err
	}
	r := &Running{Contestant: c, PID: run.Pid(), Collector: run, target: map[load.Transport]string{
		load.HTTP: run.URL("/v1/feedback"), load.NDJSON: run.URL("/v1/feedback"),
		load.GRPC: run.GRPC, load.GRPCStream: run.GRPC,
		load.OTLPGRPC: run.OTLPGRPC, load.OTLPHTTP: run.At(run.OTLPHTTP) + "/v1/logs",
	}}
	r.stop = func(patience time.Duration) error {
		code, err := run.Stop(patience)
		if err == nil && code != 0 {
			err = fmt.Errorf("the collector ended with code %d; its log ends:\n%s", code, tail(run.Log()))
		}
		return err
	}
	// A stock collector has no /ready.
	if strings.HasPrefix(c.Configs[0], "stock") {
		err = awaitListening(ctx, run.Done(), run.OTLPGRPC, run.OTLPHTTP)
	} else {
		err = run.AwaitReady(ctx)
	}
	if err != nil {
		run.Kill()
		return nil, fmt.Errorf("%s: %w; its log ends:\n%s", c.Name, err, tail(run.Log()))
	}
	return r, nil
}

func (c Contestant) startLimit(ctx context.Context, dir string, brokers []string, topic string) (*Running, error) {
	free, err := ports.Free(1)
	if err != nil {
		return nil, err
	}
	address := ports.Loopback(free[0])
	settings, err := json.Marshal(Limit{Listen: address, Brokers: brokers, Topic: topic, Waits: c.Waits})
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), LimitEnv+"="+string(settings))
	cmd.Dir = dir
	p, err := process.Start(cmd, filepath.Join(dir, "limit.log"))
	if err != nil {
		return nil, err
	}
	r := &Running{Contestant: c, PID: p.Pid(), target: map[load.Transport]string{load.NDJSON: "http://" + address + "/"}}
	r.stop = func(patience time.Duration) error {
		if !p.Stop(patience) || p.ExitCode() != 0 {
			return fmt.Errorf("the limit did not end well; its log ends:\n%s", p.LogTail(20))
		}
		return nil
	}
	if err := awaitListening(ctx, p.Done(), address); err != nil {
		p.Kill()
		return nil, fmt.Errorf("%s: %w; its log ends:\n%s", c.Name, err, p.LogTail(20))
	}
	return r, nil
}

// Config is a load for the contestant, by its own way in.
func (r *Running) Config() load.Config { return r.By(r.Transport) }

// By is a load for the contestant, by another way in.
func (r *Running) By(t load.Transport) load.Config {
	return load.Config{Transport: t, Target: r.target[t]}
}

// Stop ends the contestant in an orderly way.
func (r *Running) Stop() error { return r.stop(stopPatience) }

// Goroutines ends a collector by having it write down all its goroutines, and
// counts them.
func (r *Running) Goroutines() (int, error) {
	r.stop = func(time.Duration) error { return nil } // it is no orderly end
	if err := syscall.Kill(r.PID, syscall.SIGQUIT); err != nil {
		return 0, err
	}
	select {
	case <-r.Collector.Done():
	case <-time.After(stopPatience):
		r.Collector.Kill()
		return 0, errors.New("the collector wrote down no goroutines")
	}
	n := len(goroutine.FindAllString(r.Collector.Log(), -1))
	if n == 0 {
		return 0, errors.New("the collector's log holds no goroutines")
	}
	return n, nil
}

// goroutine is the head of one in a dump.
var goroutine = regexp.MustCompile(`(?m)^goroutine \d+ .*\[`)

const stopPatience = 40 * time.Second

// awaitListening returns when all addresses take connections.
func awaitListening(ctx context.Context, done <-chan struct{}, addresses ...string) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for _, address := range addresses {
		for {
			conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
			if err == nil {
				_ = conn.Close()
				break
			}
			select {
			case <-tick.C:
			case <-done:
				return fmt.Errorf("the process ended before %s took connections", address)
			case <-ctx.Done():
				return fmt.Errorf("%s takes no connections: %w", address, err)
			}
		}
	}
	return nil
}

func tail(log string) string {
	lines := strings.Split(strings.TrimRight(log, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

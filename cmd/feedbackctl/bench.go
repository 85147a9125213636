// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/kafka"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/tlsflags"
	"github.com/otelcol-feedback/otelcol-feedback/internal/load"
)

const logsPath = "/v1/logs"

type benchFlags struct {
	load             load.Config
	transport        string
	endpoint         string
	token, tokenFile string
	tls              tlsflags.Flags
	warmup           time.Duration
	pid              int
	kafka            kafka.Flags
	verify           bool
	topic, output    string
}

func newBenchCommand(s streams) *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Load a collector with made-up events, and say what it took",
		Long: `Load a collector with made-up, realistic events of all types and say how long
answers took and, on Linux and on the collector's own machine, how much processor
time and memory the collector used.

With --rate, requests are due at even intervals whatever becomes of those before
(open loop), and the time of an answer counts from when its request was due: what
a stall holds up is seen. Without it, each connection sends its next request when
the last one is answered (closed loop).

With --brokers the topic is read, and each acknowledged event must have arrived
there once; with --rate, the time until an event could be read is measured too.

The events are real to the collector: they end up on its topic. The exit code is 0
if all was well, 1 if events were lost, refused, there twice or not answered, or
requests never sent, 2 if nothing could be measured.`,
		Example: `  feedbackctl bench --rate 1000 --batch 10 --duration 30s --brokers localhost:9092
  feedbackctl bench --connections 64
  feedbackctl bench --transport grpc --batch 100
  feedbackctl bench --endpoint https://collector.example --token-file token --rate 50 --output json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.verify = cmd.Flags().Changed("brokers")
			return f.run(cmd.Context(), s)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	names := make([]string, len(load.Transports))
	for i, t := range load.Transports {
		names[i] = string(t)
	}
	fs.StringVarP(&f.endpoint, "endpoint", "e", "", "the collector's address; by default that of the transport on this machine")
	fs.StringVar(&f.transport, "transport", string(load.HTTP), strings.Join(names, ", "))
	fs.Float64Var(&f.load.Rate, "rate", 0, "events a second; 0: as fast as they are answered")
	fs.IntVar(&f.load.Batch, "batch", 1, "events in a request, 1 to 10000")
	fs.IntVar(&f.load.Connections, "connections", 64, "connections, each with one request at a time")
	fs.DurationVar(&f.load.Duration, "duration", 10*time.Second, "how long to send")
	fs.DurationVar(&f.warmup, "warmup", time.Second, "how long to send before that, uncounted")
	fs.DurationVar(&f.load.Timeout, "timeout", 30*time.Second, "how long to wait for one answer")
	fs.IntVar(&f.load.EventSize, "event-size", 0, "send user feedback of about so many bytes each; 0: all types, as they come")
	fs.Uint64Var(&f.load.Seed, "seed", 1, "choose the made-up events")
	fs.StringVar(&f.token, "token", "", "bearer token; others on this machine may see it in the list of processes")
	fs.StringVar(&f.tokenFile, "token-file", "", "file with the bearer token")
	f.tls.Register(fs, "", "")
	fs.IntVar(&f.pid, "pid", 0, "process to measure; by default the one of this user that listens at the endpoint, if that is on this machine")
	fs.StringVarP(&f.output, "output", "o", outputText, "text or json")
	fs.StringVarP(&f.topic, "topic", "t", envOr(s, kafka.EnvTopic, defaultTopic), "topic where the events arrive ($"+kafka.EnvTopic+")")
	// Both ends may be secured, each in its own way.
	ofKafka := pflag.NewFlagSet("", pflag.ContinueOnError)
	ofKafka.SortFlags = false
	f.kafka.Register(ofKafka, s.getenv)
	ofKafka.VisitAll(func(flag *pflag.Flag) {
		switch {
		case strings.HasPrefix(flag.Name, "tls"):
			flag.Name = "kafka-" + flag.Name
		case flag.Name == "brokers":
			flag.Usage = "Kafka brokers, host:port, comma-separated; without this flag arrival is not looked at"
			flag.DefValue = "[]"
		}
		fs.AddFlag(flag)
	})
	cmd.MarkFlagsMutuallyExclusive("token", "token-file")
	return cmd
}

func (f *benchFlags) run(ctx context.Context, s streams) error {
	plan, err := f.plan()
	if err != nil {
		return err
	}
	if f.output == outputText {
		fmt.Fprintf(s.err, "sending to %s for %s\n", plan.Target, plan.Duration)
	}
	report, err := load.Measure(ctx, *plan)
	if err != nil {
		return err
	}
	if f.output == outputJSON {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", "  ")
		err = enc.Encode(report)
	} else {
		err = report.Write(s.out)
	}
	if err == nil && len(report.Faults()) > 0 {
		return errRejected
	}
	return err
}

func (f *benchFlags) plan() (*load.Plan, error) {
	switch {
	case f.output != outputText && f.output != outputJSON:
		return nil, usagef("--output %q: use text or json", f.output)
	case f.load.Batch < 1 || f.load.Connections < 1 || f.load.Duration <= 0 || f.load.Timeout <= 0:
		return nil, usagef("--batch, --connections, --duration and --timeout must be positive")
	case f.warmup < 0 || f.pid < 0:
		return nil, usagef("--warmup and --pid must not be negative")
	}
	f.load.Transport = load.Transport(f.transport)
	if err := f.target(); err != nil {
		return nil, err
	}
	if err := f.load.Validate(); err != nil {
		return nil, usageError{err}
	}
	f.load.Token = f.token
	if f.tokenFile != "" {
		text, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("--token-file: %w", err)
		}
		f.load.Token = strings.TrimSpace(string(text))
	}
	p := &load.Plan{Config: f.load, Warmup: f.warmup, PID: f.pid}
	if p.PID == 0 {
		p.PID = f.findProcess()
	}
	if f.verify {
		opts, err := f.kafka.Options()
		if err != nil {
			return nil, usageError{err}
		}
		// Reading meanwhile takes processor time; at a given rate there is some left.
		p.Topic, p.Kafka, p.Live = f.topic, opts, f.load.Rate > 0
	}
	return p, nil
}

// target completes the address.
func (f *benchFlags) target() (err error) {
	secure, err := f.tls.Config()
	if err != nil {
		return usageError{err}
	}
	switch f.load.Transport {
	case load.OTLPHTTP:
		f.load.Target, err = endpointURL(cmp.Or(f.endpoint, "http://localhost:4318"), logsPath)
		f.load.TLS = secure
		return err
	case load.GRPC, load.GRPCStream, load.OTLPGRPC:
		otherwise := "localhost:9090"
		if f.load.Transport == load.OTLPGRPC {
			otherwise = "localhost:4317"
		}
		address, encrypted := strings.CutPrefix(cmp.Or(f.endpoint, otherwise), "https://")
		f.load.Target = strings.TrimSuffix(strings.TrimPrefix(address, "http://"), "/")
		if encrypted || f.tls.Set() {
			f.load.TLS = secure
		}
		return nil
	default:
		f.load.Target, err = feedbackURL(cmp.Or(f.endpoint, defaultEndpoint))
		f.load.TLS = secure
		return err
	}
}

// findProcess is the process that listens at the target, 0 if that is not known.
func (f *benchFlags) findProcess() int {
	host := f.load.Target
	if u, err := url.Parse(host); err == nil && u.Host != "" {
		host = u.Host
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return 0
	}
	if ip := net.ParseIP(name); name != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return 0
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return 0
	}
	pid, err := load.Listener(n)
	if err != nil || pid == os.Getpid() {
		return 0
	}
	return pid
}

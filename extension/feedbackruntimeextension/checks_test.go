// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.opentelemetry.io/collector/processor/batchprocessor"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
)

const (
	httpKey = "receivers::feedback::protocols::http::"
	grpcKey = "receivers::feedback::protocols::grpc::"
	sampler = "service::telemetry::traces::sampler::parent_based::root::trace_id_ratio_based::ratio"
)

func checkConfig(t *testing.T, cfg func(*Config), change map[string]any) error {
	t.Helper()
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", "effective.yaml"))
	require.NoError(t, err)
	require.NoError(t, conf.Merge(confmap.NewFromStringMap(change)))
	return newTestExtension(t, cfg).NotifyConfigSnapshot(t.Context(), extensioncapabilities.NewConfigSnapshot(conf, nil))
}

func TestWholeConfig(t *testing.T) {
	prometheus := func(host string, port any) []any {
		return []any{map[string]any{"pull": map[string]any{"exporter": map[string]any{
			"prometheus": map[string]any{"host": host, "port": port},
		}}}}
	}
	const readers = "service::telemetry::metrics::readers"
	for name, tc := range map[string]struct {
		cfg    func(*Config)
		change map[string]any
		want   []string // parts of the error; none: accepted
	}{
		"as it stands": {},
		"more events over HTTP than fit": {
			change: map[string]any{httpKey + "max_request_events": 10001},
			want:   []string{httpKey + "max_request_events (10001)", "extensions::feedbackruntime::capacity (10000)"},
		},
		"more events over gRPC than fit, as text": {
			change: map[string]any{grpcKey + "max_request_events": "20000"},
			want:   []string{grpcKey + "max_request_events (20000)"},
		},
		"a capacity below all": {
			cfg: func(c *Config) { c.Capacity = 99 },
			want: []string{
				httpKey + "max_request_events", grpcKey + "max_request_events",
				"processors::batch/events::send_batch_size (100)", "processors::batch/events::send_batch_max_size (100)",
			},
		},
		"a larger body than fits": {
			cfg: func(c *Config) { c.MaxBytes = 20<<20 - 1 },
			want: []string{
				httpKey + "max_request_body_size (20971520)", grpcKey + "max_recv_msg_size_mib (20)",
				"extensions::feedbackruntime::max_bytes (20971519)",
			},
		},
		"a larger body over OTLP": {
			change: map[string]any{"receivers::otlp::protocols::grpc::max_recv_msg_size_mib": 65},
			want:   []string{"receivers::otlp::protocols::grpc::max_recv_msg_size_mib (65)"},
		},
		"a batch larger than the buffer": {
			change: map[string]any{"processors::batch/events::send_batch_size": uint32(10001)},
			want:   []string{"processors::batch/events::send_batch_size (10001)"},
		},
		"waits no longer than the spool": {
			cfg:  func(c *Config) { c.EnqueueTimeout = 3 * time.Second },
			want: []string{"extensions::feedbackruntime::enqueue_timeout (3s)", "exporters::feedbackkafka/main::spool_after (3s)"},
		},
		"spool_after as a duration": {
			change: map[string]any{"exporters::feedbackkafka/main::spool_after": 6 * time.Second},
			want:   []string{"exporters::feedbackkafka/main::spool_after (6s)"},
		},
		"no spool, no matter": {
			cfg:    func(c *Config) { c.EnqueueTimeout = time.Second },
			change: map[string]any{"exporters::feedbackkafka/main::spool": map[string]any{"directory": ""}},
		},
		"the receiver's two ports": {
			change: map[string]any{grpcKey + "endpoint": "localhost:8080"},
			want:   []string{httpKey + "endpoint and " + grpcKey + "endpoint both listen on port 8080"},
		},
		"loopback by another name": {
			change: map[string]any{"receivers::otlp::protocols::grpc::endpoint": "127.0.0.1:8080"},
			want:   []string{"receivers::otlp::protocols::grpc::endpoint both listen on port 8080"},
		},
		"all addresses": {
			change: map[string]any{"extensions::embeddedkafka::endpoint": "0.0.0.0:9090"},
			want:   []string{grpcKey + "endpoint and extensions::embeddedkafka::endpoint"},
		},
		"all addresses, in short": {
			change: map[string]any{"extensions::health_check::endpoint": ":4317"},
			want:   []string{"extensions::health_check::endpoint both listen on port 4317"},
		},
		"the metrics' port": {
			change: map[string]any{readers: prometheus("localhost", 8080)},
			want:   []string{readers + "[0]::pull::exporter::prometheus::port both listen on port 8080"},
		},
		"the metrics' port, as text": {
			change: map[string]any{readers: prometheus("0.0.0.0", "9092")},
			want:   []string{"extensions::embeddedkafka::endpoint and " + readers},
		},
		"two addresses":          {change: map[string]any{grpcKey + "endpoint": "10.1.2.3:8080"}},
		"two names":              {change: map[string]any{httpKey + "endpoint": "a.example:80", grpcKey + "endpoint": "b.example:80"}},
		"any free port":          {change: map[string]any{httpKey + "endpoint": "localhost:0", grpcKey + "endpoint": "localhost:0"}},
		"a socket file":          {change: map[string]any{grpcKey + "transport": "unix", grpcKey + "endpoint": "localhost:8080"}},
		"not an endpoint":        {change: map[string]any{grpcKey + "endpoint": "8080"}},
		"not used":               {change: map[string]any{"extensions::zpages::endpoint": "localhost:8080"}},
		"a protocol that is off": {change: map[string]any{"receivers::feedback::protocols::grpc": nil}},
		"samples too much":       {change: map[string]any{sampler: 1.5}, want: []string{sampler + " (1.5) must be a number from 0 to 1"}},
		"samples less than nothing": {
			change: map[string]any{sampler: "-0.1"}, want: []string{sampler + " (-0.1)"},
		},
		"samples NaN":        {change: map[string]any{sampler: "NaN"}, want: []string{sampler}},
		"samples words":      {change: map[string]any{sampler: "some"}, want: []string{sampler}},
		"samples everything": {change: map[string]any{sampler: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkConfig(t, tc.cfg, tc.change)
			if len(tc.want) == 0 {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			for _, part := range tc.want {
				assert.ErrorContains(t, err, part)
			}
		})
	}
}

func TestConfigWithoutASection(t *testing.T) {
	e := newTestExtension(t, nil)
	for _, conf := range []*confmap.Conf{nil, confmap.New()} {
		require.NoError(t, e.NotifyConfigSnapshot(t.Context(), extensioncapabilities.NewConfigSnapshot(conf, nil)))
	}
}

// The collector hands over what its components' own structs marshal to.
func TestConfigAsTheCollectorMarshalsIt(t *testing.T) {
	otlp := otlpreceiver.NewFactory().CreateDefaultConfig().(*otlpreceiver.Config)
	otlp.Protocols.GRPC.GetOrInsertDefault().NetAddr.Endpoint = "localhost:8080"
	batch := batchprocessor.NewFactory().CreateDefaultConfig().(*batchprocessor.Config)
	batch.SendBatchSize = 20_000
	for path, component := range map[string]any{"receivers::otlp": otlp, "processors::batch/events": batch} {
		sub := confmap.New()
		require.NoError(t, sub.Marshal(component))
		err := checkConfig(t, nil, map[string]any{path: sub.ToStringMap()})
		require.ErrorContains(t, err, path)
	}
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package embeddedkafkaextension

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

func TestLoadConfig(t *testing.T) {
	defaults := createDefaultConfig().(*Config)
	with := func(change func(*Config)) *Config {
		c := createDefaultConfig().(*Config)
		change(c)
		return c
	}
	tests := map[string]struct {
		want    *Config
		wantErr string
	}{
		"embeddedkafka": {want: defaults},
		"embeddedkafka/full": {want: &Config{
			Endpoint:           "0.0.0.0:19092",
			AdvertisedEndpoint: "broker.example:19092",
			Directory:          "./data/kafka",
			MaxPartitionMiB:    64,
			Topics:             []TopicConfig{{Name: "feedback-events", Partitions: 6}},
		}},
		"embeddedkafka/no_topics":      {want: with(func(c *Config) { c.Topics = []TopicConfig{} })},
		"embeddedkafka/no_endpoint":    {wantErr: "endpoint: must be set"},
		"embeddedkafka/no_port":        {wantErr: `endpoint: "localhost" is not host:port`},
		"embeddedkafka/bad_port":       {wantErr: "endpoint: the port"},
		"embeddedkafka/bad_advertised": {wantErr: "advertised_endpoint: needs a host"},
		"embeddedkafka/bad_name":       {wantErr: "topics[0]::name: must be"},
		"embeddedkafka/twice":          {wantErr: `topics[1]::name: "a_b" is listed twice`},
		"embeddedkafka/no_partitions":  {wantErr: "topics[0]::partitions: must lie"},
		"embeddedkafka/too_little":     {wantErr: "max_partition_mib: must lie"},
	}
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	require.Len(t, tests, len(conf.ToStringMap()))
	for id, tt := range tests {
		t.Run(id, func(t *testing.T) {
			sub, err := conf.Sub(id)
			require.NoError(t, err)
			cfg := createDefaultConfig()
			require.NoError(t, sub.Unmarshal(&cfg))
			err = confmap.Validate(cfg)
			if tt.wantErr != "" {
				require.ErrorContains(t, err, tt.wantErr)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, cfg)
		})
	}
}

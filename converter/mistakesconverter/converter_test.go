// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package mistakesconverter

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
)

type Part struct {
	Endpoint string        `mapstructure:"endpoint"`
	Wait     time.Duration `mapstructure:"wait"`
}

type Config struct {
	Size      int `mapstructure:"size"`
	Protocols struct {
		HTTP configoptional.Optional[Part] `mapstructure:"http"`
	} `mapstructure:"protocols"`
	Inner *Part `mapstructure:"inner"`
}

type factory struct{ component.Factory }

func (factory) CreateDefaultConfig() component.Config { return &Config{} }

func knowing(t *testing.T) {
	f := map[component.Type]component.Factory{component.MustNewType("feedback"): factory{}, component.MustNewType("otlp"): factory{}}
	Know(func() Kinds { return Kinds{"receivers": f} }, func() component.Config { return &Part{} })
	t.Cleanup(func() { Know(nil, nil) })
}

func convert(t *testing.T, yaml string) error {
	t.Helper()
	r, err := confmap.NewRetrievedFromYAML([]byte(yaml))
	require.NoError(t, err)
	conf, err := r.AsConf()
	require.NoError(t, err)
	before := conf.ToStringMap()
	err = NewFactory().Create(confmap.ConverterSettings{}).Convert(t.Context(), conf)
	assert.Equal(t, before, conf.ToStringMap(), "it changes nothing")
	return err
}

func TestGoodHosts(t *testing.T) {
	for _, host := range []string{"localhost", "0.0.0.0", "::", "::1"} {
		assert.Empty(t, wrongHost(host), host)
	}
}

func TestConvert(t *testing.T) {
	knowing(t)
	const secret = "marker-5512"
	http := func(endpoint string) string {
		return "receivers: {feedback/2: {protocols: {http: {endpoint: " + endpoint + "}}}}"
	}
	const httpKey = "receivers::feedback/2::protocols::http::endpoint (COLLECTOR_HTTP__ENDPOINT) "
	prometheus := func(port string) string {
		return "service: {telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {port: " + port + "}}}}]}}}"
	}
	const hostKey = "service::telemetry::metrics::readers[0]::pull::exporter::prometheus::host (COLLECTOR_TELEMETRY__METRICS_HOST) "
	metricsAt := func(host string) string { return prometheus("8888, host: " + host) }
	const portKey = "service::telemetry::metrics::readers[0]::pull::exporter::prometheus::port (COLLECTOR_TELEMETRY__METRICS_PORT) "
	otlp := func(endpoint string) string {
		return "service: {telemetry: {traces: {processors: [{batch: {exporter: {otlp: {protocol: grpc, endpoint: " + endpoint + "}}}}]}}}"
	}
	const otlpKey = "service::telemetry::traces::processors[0]::batch::exporter::otlp::endpoint (COLLECTOR_TELEMETRY__OTLP_ENDPOINT) "
	for name, tt := range map[string]struct{ yaml, want string }{
		"empty endpoint":        {http(""), httpKey + "is empty"},
		"empty text":            {http(`""`), httpKey + "is empty"},
		"no port":               {http("localhost"), httpKey + "has no port"},
		"no port after a colon": {http(`"localhost:"`), httpKey + "has no port"},
		"too many colons":       {http(`"a:b:` + secret + `"`), httpKey + "is no address"},
		"a URL":                 {http(`"http://a:` + secret + `@b:80"`), httpKey + "is a URL"},
		"a large port":          {http(`"localhost:65536"`), httpKey + "has a port that is no number from 0 to 65535"},
		"a named port":          {http(`"localhost:` + secret + `"`), httpKey + "has a port that is no number from 0 to 65535"},
		"good":                  {http("localhost:8080"), ""},
		"every address":         {http(`":8080"`), ""},
		"IPv6":                  {http(`"[::1]:0"`), ""},
		"no endpoint at all":    {"receivers: {otlp: {protocols: {http: }}}", ""},
		"no service":            {"receivers: {feedback: }", ""},

		"empty metrics port": {prometheus(""), portKey + "is empty"},
		"metrics port":       {prometheus(secret), portKey + "is no number"},
		"empty metrics host": {metricsAt(`""`), hostKey + "is empty"},
		"metrics host, URL":  {metricsAt(`"http://a:` + secret + `@b"`), hostKey + "is a URL"},
		"metrics host, port": {metricsAt(`"0.0.0.0:9464"`), hostKey + "has a port"},

		"empty OTLP endpoint":   {otlp(""), otlpKey + "is empty"},
		"OTLP without a scheme": {otlp("tempo:4317"), otlpKey + "is no URL"},
		"OTLP without a host":   {otlp("http://"), otlpKey + "is no URL"},

		"unknown key":          {"receivers: {feedback: {siz: 1}}", "receivers::feedback::siz: there is no such key; did you mean size?"},
		"unknown key, inside":  {"receivers: {feedback: {protocols: {http: {wiat: 1s}}}}", "receivers::feedback::protocols::http::wiat: there is no such key; did you mean wait?"},
		"unknown key, pointer": {"receivers: {feedback: {inner: {xyzzy: 1s}}}", "receivers::feedback::inner::xyzzy: there is no such key; there are endpoint, http, inner, protocols, size, wait"},
		"wrong type":           {"receivers: {feedback: {size: [" + secret + "]}}", "receivers::feedback::size: expected type 'int'"},
		"wrong duration":       {"receivers: {feedback: {inner: {wait: " + secret + "}}}", "receivers::feedback::inner::wait: time: invalid duration"},
		"not a map":            {"receivers: {feedback: 3}", "receivers::feedback: it must have keys of its own"},
		"unknown component":    {"receivers: {fedback: }", "receivers::fedback: this collector has no such component; did you mean feedback?"},
		"unknown section":      {"receiver: {feedback: }", "receiver: there is no such key; did you mean receivers?"},
		"unknown in service":   {"service: {pipeline: }", "service::pipeline: there is no such key; did you mean pipelines?"},
		"unknown in pipeline":  {"service: {pipelines: {logs: {processor: []}}}", "service::pipelines::logs::processor: there is no such key; did you mean processors?"},
		"unknown in telemetry": {"service: {telemetry: {wai: 1s}}", "service::telemetry::wai: there is no such key; did you mean wait?"},
	} {
		t.Run(name, func(t *testing.T) {
			err := convert(t, tt.yaml)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
			assert.NotContains(t, err.Error(), secret)
			assert.NotContains(t, err.Error(), "\n", "one mistake, one line")
		})
	}
}

// All mistakes are told at once, a line each.
func TestSeveralMistakes(t *testing.T) {
	knowing(t)
	err := convert(t, "receivers: {feedback: {siz: 1, inner: {wait: soon}}, otlp: {x: 1}}")
	require.Error(t, err)
	assert.Len(t, strings.Split(err.Error(), "\n"), 3, "%v", err)
}

// A program that has not said what is in it gets no judgement of keys.
func TestUnknownProgram(t *testing.T) {
	require.NoError(t, convert(t, "receivers: {anything: {siz: 1}}"))
	require.Error(t, convert(t, "receivers: {otlp: {protocols: {http: {endpoint: }}}}"))
}

// What the decoder says in words that are not known is left to the collector.
func TestUnknownWords(t *testing.T) {
	assert.Empty(t, plainErrors("something else entirely", []string{"receivers"}, nil))
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"endpont", "endpoint", 1}, {"wiat", "wait", 1}, {"abc", "xyz", 3}} {
		assert.Equal(t, tt.want, distance(tt.a, tt.b), "%s %s", tt.a, tt.b)
		assert.Equal(t, tt.want, distance(tt.b, tt.a), "%s %s", tt.b, tt.a)
	}
}

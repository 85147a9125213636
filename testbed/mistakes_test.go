// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/proxy"
)

// mistakeMarker stands where a secret could, in every mistake.
const mistakeMarker = "mistake-marker-91c7"

// complaint finds a line that is an error or a warning.
var complaint = regexp.MustCompile(`(?m)^(Error: .*|\S+\t(?:warn|error)\t.*)$`)

// refused starts the binary with a mistake and returns the first line that
// complains. The process must end by itself, with a code that says so.
func refused(t *testing.T, env []string, change func(*exec.Cmd), args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, collector.Binary(t), args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), quiet(t)...)
	cmd.Env = append(cmd.Env, "COLLECTOR_KAFKA__BROKERS=127.0.0.1:1", "COLLECTOR_PII__HASH_KEY="+mistakeMarker)
	cmd.Env = append(cmd.Env, env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if change != nil {
		change(cmd)
	}
	err := cmd.Run()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "%s", stderr.String())
	require.NoError(t, ctx.Err(), "it goes on: %s", stderr.String())
	assert.Positive(t, exit.ExitCode(), "%s", stderr.String())
	return firstComplaint(t, stderr.String())
}

func firstComplaint(t *testing.T, log string) string {
	t.Helper()
	assert.NotContains(t, log, mistakeMarker)
	assert.NotContains(t, log, "panic: ")
	first := complaint.FindString(log)
	require.NotEmpty(t, first, "%s", log)
	return first
}

// quiet are addresses that nobody else has.
func quiet(t *testing.T) (env []string) {
	t.Helper()
	for _, name := range []string{"HTTP__ENDPOINT", "GRPC__ENDPOINT", "OTLP__GRPC_ENDPOINT", "OTLP__HTTP_ENDPOINT"} {
		env = append(env, "COLLECTOR_"+name+"="+freeEndpoint(t))
	}
	_, port, err := net.SplitHostPort(freeEndpoint(t))
	require.NoError(t, err)
	return append(env, "COLLECTOR_TELEMETRY__METRICS_PORT="+port)
}

func assertSays(t *testing.T, line string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		assert.Contains(t, line, part)
	}
}

func collectorYAML() []string {
	return collector.Args([]string{collector.ConfigFile("collector.yaml")})
}

// TestPortInUse: whoever else has the port, it is said which setting names it.
func TestPortInUse(t *testing.T) {
	collector.Binary(t)
	taken, err := net.Listen("tcp", "localhost:0") //nolint:noctx // at once
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	_, port, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)
	for variable, key := range map[string]string{
		"COLLECTOR_HTTP__ENDPOINT":          "receivers::feedback::protocols::http::endpoint",
		"COLLECTOR_GRPC__ENDPOINT":          "receivers::feedback::protocols::grpc::endpoint",
		"COLLECTOR_OTLP__GRPC_ENDPOINT":     "receivers::otlp::protocols::grpc::endpoint",
		"COLLECTOR_OTLP__HTTP_ENDPOINT":     "receivers::otlp::protocols::http::endpoint",
		"COLLECTOR_TELEMETRY__METRICS_PORT": "",
	} {
		t.Run(variable, func(t *testing.T) {
			t.Parallel()
			if key == "" { // the collector's own words
				line := refused(t, []string{variable + "=" + port}, nil, collectorYAML()...)
				assertSays(t, line, "binding address localhost:"+port+" for Prometheus exporter", "address already in use")
				return
			}
			line := refused(t, []string{variable + "=" + taken.Addr().String()}, nil, collectorYAML()...)
			assertSays(t, line, key, variable, taken.Addr().String()+" is in use by another process", "ss -ltnp")
		})
	}
}

// TestSpoolDirectory: it must be a directory that this process alone may write to.
func TestSpoolDirectory(t *testing.T) {
	collector.Binary(t)
	const key, variable = "exporters::feedbackkafka::spool::directory", "COLLECTOR_SPOOL__DIRECTORY"
	t.Run("a file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "spool")
		require.NoError(t, os.WriteFile(file, nil, 0o600))
		line := refused(t, []string{variable + "=" + file}, nil, collectorYAML()...)
		assertSays(t, line, key, variable, file, "not a directory", "set another directory")
	})
	t.Run("no permission", func(t *testing.T) {
		parent := t.TempDir()
		require.NoError(t, os.Chmod(parent, 0o500))
		line := refused(t, []string{variable + "=" + filepath.Join(parent, "spool")}, func(cmd *exec.Cmd) {
			if os.Getuid() == 0 { // who may write anywhere, unless told otherwise
				within(t, cmd, "setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search")
			}
		}, collectorYAML()...)
		assertSays(t, line, key, variable, "permission denied", "chown -R")
	})
	t.Run("a read-only file system", func(t *testing.T) {
		directory := t.TempDir()
		line := refused(t, []string{variable + "=" + directory}, func(cmd *exec.Cmd) { mountReadOnly(t, cmd, directory) }, collectorYAML()...)
		assertSays(t, line, key, variable, directory, "read-only file system")
	})
	t.Run("of another collector", func(t *testing.T) {
		s := newStream(t)
		directory := t.TempDir()
		first := collector.Run(t, collector.Options{
			Configs: []string{collector.ConfigFile("collector.yaml")}, Env: s.env(variable + "=" + directory),
		})
		line := refused(t, []string{variable + "=" + directory}, nil, collectorYAML()...)
		assertSays(t, line, key, variable, directory, "in use by another process", "needs its own")
		assert.True(t, first.Running())
		assertStops(t, first)
	})
}

// mountReadOnly has a command see a directory as one of a read-only file system.
func mountReadOnly(t *testing.T, cmd *exec.Cmd, directory string) {
	unshare := []string{"unshare", "--mount"}
	if os.Getuid() != 0 {
		unshare = append(unshare, "--user", "--map-root-user")
	}
	mount := append(unshare, "sh", "-c", `mount -t tmpfs -o ro none "$1" && shift && exec "$@"`, "sh", directory)
	if out, err := exec.CommandContext(t.Context(), mount[0], append(mount[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("no file system can be mounted here: %s", out)
	}
	within(t, cmd, mount...)
}

// within has a command run by another one.
func within(t *testing.T, cmd *exec.Cmd, outer ...string) {
	t.Helper()
	path, err := exec.LookPath(outer[0])
	require.NoError(t, err)
	cmd.Args = append(outer, append([]string{cmd.Path}, cmd.Args[1:]...)...)
	cmd.Path = path
}

// TestWrongConfiguration: what is wrong is said with its key, before anything starts.
func TestWrongConfiguration(t *testing.T) {
	collector.Binary(t)
	otlpOut := collector.ConfigFile("overlays/otlp-telemetry.yaml")
	overlay := func(text string) []string {
		return append(collectorYAML(), collector.Args([]string{writeConfig(t, text)})...)
	}
	missing := filepath.Join(t.TempDir(), "missing.yaml")
	const (
		httpKey  = "receivers::feedback::protocols::http::endpoint (COLLECTOR_HTTP__ENDPOINT) "
		otlpKey  = "receivers::otlp::protocols::http::endpoint (COLLECTOR_OTLP__HTTP_ENDPOINT) "
		tracesTo = "exporter::otlp::endpoint (COLLECTOR_TELEMETRY__OTLP_ENDPOINT) "
	)
	for name, tt := range map[string]struct {
		env  string
		args []string
		says []string
	}{
		"no such file":                       {args: collector.Args([]string{missing}), says: []string{missing, "no such file or directory"}},
		"no configuration":                   {says: []string{"at least one config flag must be provided"}},
		"unknown key":                        {args: overlay("exporters: {feedbackkafka: {acknowledg: delivered}}"), says: []string{"exporters::feedbackkafka::acknowledg: there is no such key; did you mean acknowledge?"}},
		"unknown key, deep":                  {args: overlay("receivers: {otlp: {protocols: {http: {endpont: localhost:1}}}}"), says: []string{"receivers::otlp::protocols::http::endpont: there is no such key; did you mean endpoint?"}},
		"unknown component":                  {args: overlay("processors: {piiredactions: }"), says: []string{"processors::piiredactions: this collector has no such component; did you mean piiredaction?"}},
		"unknown in the service":             {args: overlay("service: {pipelines: {logs: {procesors: []}}}"), says: []string{"service::pipelines::logs::procesors: there is no such key; did you mean processors?"}},
		"wrong type":                         {args: overlay("receivers: {feedback: {protocols: {http: {max_request_events: [" + mistakeMarker + "]}}}}"), says: []string{"receivers::feedback::protocols::http::max_request_events: expected type 'int'"}},
		"a component that is not configured": {args: overlay("service: {pipelines: {logs: {processors: [feedbackadmision]}}}"), says: []string{`"feedbackadmision" which is not configured`}},

		"empty endpoint":          {env: "COLLECTOR_HTTP__ENDPOINT=", says: []string{httpKey + "is empty: it must be host:port"}},
		"empty endpoint of OTLP":  {env: "COLLECTOR_OTLP__HTTP_ENDPOINT=", says: []string{otlpKey + "is empty: it must be host:port"}},
		"endpoint without a port": {env: "COLLECTOR_HTTP__ENDPOINT=localhost", says: []string{httpKey + "has no port"}},
		"endpoint as a URL":       {env: "COLLECTOR_HTTP__ENDPOINT=http://a:" + mistakeMarker + "@localhost:8080", says: []string{httpKey + "is a URL"}},
		"endpoint's port":         {env: "COLLECTOR_OTLP__HTTP_ENDPOINT=localhost:99999", says: []string{otlpKey + "has a port that is no number from 0 to 65535"}},
		"endpoint elsewhere":      {env: "COLLECTOR_HTTP__ENDPOINT=192.0.2.1:8080", says: []string{"(COLLECTOR_HTTP__ENDPOINT): 192.0.2.1:8080 is no address of this machine"}},
		"empty metrics port":      {env: "COLLECTOR_TELEMETRY__METRICS_PORT=", says: []string{"prometheus::port (COLLECTOR_TELEMETRY__METRICS_PORT) is empty"}},
		"metrics port":            {env: "COLLECTOR_TELEMETRY__METRICS_PORT=metrics", says: []string{"prometheus::port (COLLECTOR_TELEMETRY__METRICS_PORT) is no number"}},
		"empty metrics host":      {env: "COLLECTOR_TELEMETRY__METRICS_HOST=", says: []string{"prometheus::host (COLLECTOR_TELEMETRY__METRICS_HOST) is empty"}},
		"brokers":                 {env: "COLLECTOR_KAFKA__BROKERS=kafka://a:" + mistakeMarker + "@b:1", says: []string{"exporters::feedbackkafka", "brokers"}},

		"empty endpoint of telemetry":     {env: "COLLECTOR_TELEMETRY__OTLP_ENDPOINT=", args: append(collectorYAML(), "--config", otlpOut), says: []string{tracesTo + "is empty: COLLECTOR_TELEMETRY__OTLP_ENDPOINT must be set to http://"}},
		"endpoint of telemetry no URL":    {env: "COLLECTOR_TELEMETRY__OTLP_ENDPOINT=tempo:4317", args: append(collectorYAML(), "--config", otlpOut), says: []string{tracesTo + "is no URL"}},
		"endpoint of telemetry not there": {args: append(collectorYAML(), "--config", otlpOut), says: []string{tracesTo + "is no URL"}},

		"certificate of a receiver": {args: overlay("receivers: {feedback: {protocols: {http: {tls: {cert_file: /nowhere/tls.crt, key_file: /nowhere/tls.key}}}}}"), says: []string{"receivers::feedback::protocols::http::tls::cert_file (COLLECTOR_TLS__CERT_FILE): there is no file /nowhere/tls.crt"}},
		"certificate for OTLP":      {args: overlay("receivers: {otlp: {protocols: {grpc: {tls: {cert_file: /nowhere/tls.crt, key_file: /nowhere/tls.key}}}}}"), says: []string{"receivers::otlp::protocols::grpc::tls::cert_file: there is no file /nowhere/tls.crt"}},
		"authority of the brokers":  {args: overlay("exporters: {feedbackkafka: {tls: {ca_file: /nowhere/ca.pem}}}"), says: []string{"exporters::feedbackkafka::tls::ca_file (COLLECTOR_KAFKA__SSL_CA_LOCATION): there is no file /nowhere/ca.pem"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := tt.args
			if args == nil && tt.env != "" {
				args = collectorYAML()
			}
			var env []string
			if tt.env != "" {
				env = append(env, tt.env)
			}
			assertSays(t, refused(t, env, nil, args...), tt.says...)
		})
	}
}

// awaitComplaint returns the first line that complains of a collector that goes on.
func awaitComplaint(t *testing.T, c *collector.Collector) string {
	t.Helper()
	require.Eventually(t, func() bool { return complaint.MatchString(c.Log()) }, 30*time.Second, 50*time.Millisecond)
	return firstComplaint(t, c.Log())
}

// withoutSpool: there is nowhere to go while Kafka is away, so readiness shows it.
const withoutSpool = "yaml:exporters::feedbackkafka::spool: {directory: \"\"}"

// TestWrongBrokers: the collector stays, is not ready where it cannot store
// events, and says what to look at.
func TestWrongBrokers(t *testing.T) {
	s := newStream(t)
	const brokers = "exporters::feedbackkafka::brokers (COLLECTOR_KAFKA__BROKERS)"
	for name, tt := range map[string]struct {
		brokers string
		keys    []string
		says    []string
	}{
		"nobody listens": {"127.0.0.1:1", nil, []string{"connection refused", "nothing listens at this address: correct " + brokers}},
		"no such name":   {"kafka.invalid:9092", nil, []string{"the name kafka.invalid cannot be resolved: correct " + brokers}},
		"TLS to plain":   {s.cluster.Nodes[0].Addr(), []string{shared.security.trust()}, []string{"does not speak TLS on this port", brokers, "exporters::feedbackkafka::tls"}},
		"plain to TLS":   {s.cluster.SASL()[0], nil, []string{"speaks TLS on this port: set exporters::feedbackkafka::tls", brokers}},
		"no certificate": {s.cluster.Nodes[0].CertificateAddr(), []string{shared.security.trust()}, []string{"want a certificate", "exporters::feedbackkafka::tls::cert_file"}},
		"no authority":   {s.cluster.SASL()[0], []string{"tls: {}"}, []string{"exporters::feedbackkafka::tls::ca_file (COLLECTOR_KAFKA__SSL_CA_LOCATION)"}},
		"no login":       {s.cluster.SASL()[0], []string{shared.security.trust()}, []string{"wants a login on this port: set exporters::feedbackkafka::auth::sasl"}},
		"wrong password": {s.cluster.SASL()[0], []string{shared.security.trust(), saslKeys("PLAIN", "nobody", mistakeMarker)}, []string{"(COLLECTOR_KAFKA__SASL_USERNAME)", "(COLLECTOR_KAFKA__SASL_PASSWORD)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			configs := []string{collector.ConfigFile("collector.yaml"), withoutSpool}
			if tt.keys != nil {
				configs = append(configs, kafkaOverlay(t, tt.keys...))
			}
			c := collector.Launch(t, collector.Options{Configs: configs, Env: s.env("COLLECTOR_KAFKA__BROKERS=" + tt.brokers)})
			assertSays(t, awaitComplaint(t, c), tt.says...)
			assertNotReady(t, c)
			assertStops(t, c)
		})
	}
}

func assertNotReady(t *testing.T, c *collector.Collector) {
	t.Helper()
	var status int
	require.Eventually(t, func() (up bool) {
		var err error
		status, _, err = c.Get(t.Context(), "/ready")
		return err == nil
	}, 30*time.Second, 50*time.Millisecond)
	assert.Equal(t, http.StatusServiceUnavailable, status)
}

// TestBrokersComeLate: what was nobody's address becomes that of a broker.
func TestBrokersComeLate(t *testing.T) {
	t.Parallel()
	s := newStream(t)
	address := freeEndpoint(t)
	c := collector.Launch(t, collector.Options{
		Configs: []string{collector.ConfigFile("collector.yaml"), withoutSpool}, Env: s.env("COLLECTOR_KAFKA__BROKERS=" + address),
	})
	assertSays(t, awaitComplaint(t, c), "nothing listens at this address")
	assertNotReady(t, c)
	p, err := proxy.New(address, s.cluster.Nodes[0].Addr())
	require.NoError(t, err)
	t.Cleanup(p.Close)
	awaitReady(t, c)
	assertStops(t, c)
}

func awaitReady(t *testing.T, c *collector.Collector) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, c.AwaitReady(ctx))
}

// TestMissingTopic: the line names the command that makes the topic; with the
// topic there, the collector is ready by itself.
func TestMissingTopic(t *testing.T) {
	t.Parallel()
	s := newStream(t)
	ctl := ctlBinary(t)
	brokers := strings.Join(s.cluster.Brokers(), ",")
	for name, tt := range map[string]struct{ variable, key string }{
		"events":       {"COLLECTOR_KAFKA__TOPIC", "exporters::feedbackkafka::topics::events"},
		"dead letters": {"COLLECTOR_ERROR_HANDLING__DLQ_TOPIC", "exporters::feedbackkafka::dead_letter::topic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			missing := "Mistake-missing-" + strings.ReplaceAll(name, " ", "-")
			c := collector.Launch(t, collector.Options{
				Configs: []string{collector.ConfigFile("collector.yaml")}, Env: s.env(tt.variable + "=" + missing),
			})
			line := awaitComplaint(t, c)
			assertSays(t, line, "topic "+missing+" is missing", tt.key, tt.variable)
			assertNotReady(t, c)

			// What the line says, done.
			_, command, found := strings.Cut(line, "create it: feedbackctl ")
			require.True(t, found, line)
			command, _, found = strings.Cut(command, " (--replication-factor 1")
			require.True(t, found, line)
			assert.Contains(t, command, "--brokers "+brokers)
			// The other topic is there and differs, which is said (exit code 1).
			out, _ := exec.CommandContext(t.Context(), ctl, append(strings.Fields(command), "--replication-factor", "1")...).CombinedOutput()
			assert.Contains(t, string(out), missing)
			awaitReady(t, c)
			assertStops(t, c)
		})
	}
}

// TestTroubleshooting: what the collector says, as the tests above have it, is on
// the page that explains it.
func TestTroubleshooting(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(filepath.Dir(collector.ConfigFile("")), "docs", "troubleshooting.md"))
	require.NoError(t, err)
	for _, says := range []string{
		"topic feedback-events is missing", "create it: feedbackctl topics create --brokers", "exporters::feedbackkafka::topics::events (COLLECTOR_KAFKA__TOPIC)",
		"connection refused", "nothing listens at this address: correct exporters::feedbackkafka::brokers (COLLECTOR_KAFKA__BROKERS)",
		"the name kafka.invalid cannot be resolved: correct exporters::feedbackkafka::brokers (COLLECTOR_KAFKA__BROKERS)",
		"the broker does not speak TLS on this port", "the broker speaks TLS on this port: set exporters::feedbackkafka::tls",
		"the brokers may want a certificate: set exporters::feedbackkafka::tls::cert_file", "set exporters::feedbackkafka::tls::ca_file (COLLECTOR_KAFKA__SSL_CA_LOCATION)",
		"the broker wants a login on this port", "(COLLECTOR_KAFKA__SASL_USERNAME)", "(COLLECTOR_KAFKA__SASL_PASSWORD)",
		"is in use by another process", "ss -ltnp", "for Prometheus exporter", "is no address of this machine", "is empty: it must be host:port", "has no port", "is a URL",
		"exporter::otlp::endpoint (COLLECTOR_TELEMETRY__OTLP_ENDPOINT) is empty: COLLECTOR_TELEMETRY__OTLP_ENDPOINT must be set to http://",
		"exporters::feedbackkafka::spool::directory (COLLECTOR_SPOOL__DIRECTORY)", "permission denied", "not a directory", "read-only file system", "in use by another process",
		"no such file or directory", "at least one config flag must be provided", "there is no such key; did you mean acknowledge?",
		"this collector has no such component; did you mean piiredaction?", "expected type 'int'", "tls::cert_file (COLLECTOR_TLS__CERT_FILE): there is no file",
	} {
		assert.Contains(t, string(page), says)
	}
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package docs holds the guides; this test holds security.md to the code.
package docs

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.yaml.in/yaml/v3"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"
	"github.com/otelcol-feedback/otelcol-feedback/extension/embeddedkafkaextension"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/extension/jwtauthextension"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackvalidationprocessor"
	"github.com/otelcol-feedback/otelcol-feedback/processor/partitionkeyprocessor"
	"github.com/otelcol-feedback/otelcol-feedback/processor/piiredactionprocessor"
	"github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

var (
	link    = regexp.MustCompile(`\[([^\]]+)\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	noMark  = regexp.MustCompile("[^a-z0-9 -]")
)

// anchors are the places in a page that a link may name.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		found[strings.ReplaceAll(noMark.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	return found
}

// Every link of the two pages leads somewhere, and every test that they name is
// in the file that they name.
func TestSecurityPagesNameWhatExists(t *testing.T) {
	tests := 0
	for _, page := range []string{"security.md", "../SECURITY.md"} {
		text := read(t, page)
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			name, target := m[1], m[2]
			if strings.HasPrefix(target, "https://") {
				continue
			}
			file, anchor, _ := strings.Cut(target, "#")
			linked := text
			if file != "" {
				file = filepath.Join(filepath.Dir(page), file)
				info, err := os.Stat(file)
				if !assert.NoError(t, err, "%s: %s", page, name) || info.IsDir() {
					continue
				}
				linked = read(t, file)
			}
			if anchor != "" {
				assert.True(t, anchors(linked)[anchor], "%s: %s has no heading #%s", page, file, anchor)
			}
			if strings.HasSuffix(file, "_test.go") {
				tests++
				assert.Regexp(t, `(?m)^func `+regexp.QuoteMeta(name)+`\(`, linked, file)
			}
		}
	}
	assert.Greater(t, tests, 50, "the table of threats names its tests")
}

// Every row of the table of threats is shown by a test.
func TestEveryThreatHasItsTest(t *testing.T) {
	_, section, found := strings.Cut(read(t, "security.md"), "\n## Threats\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	rows := 0
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| threat") {
			continue
		}
		rows++
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		require.Len(t, cells, 4, line)
		assert.Regexp(t, `^[STRIDE](, [STRIDE])*$`, strings.TrimSpace(cells[1]), line)
		assert.Contains(t, cells[3], "_test.go)", line)
	}
	assert.Greater(t, rows, 20)
}

// defaults are the configurations of our components, by section and type.
func defaults() map[string]component.Config {
	found := map[string]component.Config{}
	add := func(section string, f component.Factory) {
		found[section+"::"+f.Type().String()] = f.CreateDefaultConfig()
	}
	add("receivers", feedbackreceiver.NewFactory())
	add("processors", feedbackadmissionprocessor.NewFactory())
	add("processors", feedbackvalidationprocessor.NewFactory())
	add("processors", piiredactionprocessor.NewFactory())
	add("processors", partitionkeyprocessor.NewFactory())
	add("exporters", feedbackkafkaexporter.NewFactory())
	add("extensions", feedbackruntimeextension.NewFactory())
	add("extensions", embeddedkafkaextension.NewFactory())
	add("extensions", jwtauthextension.NewFactory())
	return found
}

// hasKey tells whether a configuration of that type takes a key.
func hasKey(config reflect.Type, path []string) bool {
	for config.Kind() == reflect.Pointer {
		config = config.Elem()
	}
	if get, ok := reflect.PointerTo(config).MethodByName("Get"); ok && strings.HasPrefix(config.Name(), "Optional[") {
		return hasKey(get.Type.Out(0), path)
	}
	if len(path) == 0 || config.Kind() == reflect.Map {
		return true
	}
	if config.Kind() != reflect.Struct {
		return false
	}
	for i := range config.NumField() {
		field := config.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		if strings.Contains(options, "squash") && hasKey(field.Type, path) || name == path[0] && hasKey(field.Type, path[1:]) {
			return true
		}
	}
	return false
}

// inShippedConfig tells whether one of config/*.yaml has the component whose key
// it is: those of other projects are not ours to check further.
func inShippedConfig(t *testing.T, path []string) bool {
	t.Helper()
	files, err := filepath.Glob("../config/*.yaml")
	require.NoError(t, err)
	for _, file := range files {
		var sections map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(read(t, file)), &sections))
		section, _ := sections[path[0]].(map[string]any)
		if _, ok := section[path[1]]; ok {
			return true
		}
	}
	return false
}

// The stock OTLP receiver has no bounds on these unless they are set.
func TestShippedConfigsBoundOTLP(t *testing.T) {
	files, err := filepath.Glob("../config/*.yaml")
	require.NoError(t, err)
	bounded := 0
	for _, file := range files {
		var c struct {
			Receivers map[string]struct {
				Protocols struct {
					GRPC, HTTP map[string]any
				}
			}
		}
		require.NoError(t, yaml.Unmarshal([]byte(read(t, file)), &c), file)
		for name, r := range c.Receivers {
			if id, _, _ := strings.Cut(name, "/"); id != "otlp" {
				continue
			}
			bounded++
			for _, key := range []string{"max_request_body_size", "read_timeout"} {
				assert.NotNil(t, r.Protocols.HTTP[key], "%s: receivers::%s::protocols::http::%s", file, name, key)
			}
			for _, key := range []string{"max_recv_msg_size_mib", "max_concurrent_streams"} {
				assert.NotNil(t, r.Protocols.GRPC[key], "%s: receivers::%s::protocols::grpc::%s", file, name, key)
			}
		}
	}
	assert.GreaterOrEqual(t, bounded, 5)
}

var key = regexp.MustCompile("`((?:receivers|processors|exporters|extensions)::[a-z0-9_:]+)`")

func TestSecurityPagesNameKeysThatExist(t *testing.T) {
	ours := defaults()
	checked := 0
	for _, m := range key.FindAllStringSubmatch(read(t, "security.md"), -1) {
		path := strings.Split(m[1], "::")
		require.GreaterOrEqual(t, len(path), 2, m[1])
		if config, ok := ours[path[0]+"::"+path[1]]; ok {
			assert.True(t, hasKey(reflect.TypeOf(config), path[2:]), "%s is no key", m[1])
			checked++
		} else {
			assert.True(t, inShippedConfig(t, path), "%s: no configuration has this component", m[1])
		}
	}
	assert.Greater(t, checked, 20)
	assert.False(t, hasKey(reflect.TypeOf(ours["receivers::feedback"]), []string{"protocols", "http", "endpint"}))
}

// metricLabels are all that a metric may carry.
var metricLabels = []string{"event_type", "transport", "code", "reason", "outcome", "stage", "entity", "topic"}

// No metric of ours is labelled by what clients choose without bound.
func TestLabelsAreClosedSets(t *testing.T) {
	files, err := filepath.Glob("../*/*/metadata.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		var metadata struct {
			Attributes map[string]any
			Telemetry  struct {
				Metrics map[string]struct{ Attributes []string }
			}
		}
		require.NoError(t, yaml.Unmarshal([]byte(read(t, file)), &metadata), file)
		for metric, m := range metadata.Telemetry.Metrics {
			for _, label := range m.Attributes {
				assert.Contains(t, metricLabels, label, "%s: %s", file, metric)
			}
		}
	}
}

var uses = regexp.MustCompile(`(?m)^\s*- uses: (\S+)`)

// Workflows may read and nothing else, and run no action that can be exchanged.
func TestWorkflows(t *testing.T) {
	files, err := filepath.Glob("../.github/workflows/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text := read(t, file)
		var workflow struct{ Permissions map[string]string }
		require.NoError(t, yaml.Unmarshal([]byte(text), &workflow), file)
		assert.Equal(t, map[string]string{"contents": "read"}, workflow.Permissions, file)
		assert.NotContains(t, text, "pull_request_target", file)
		for _, m := range uses.FindAllStringSubmatch(text, -1) {
			assert.Regexp(t, "@[0-9a-f]{40}$", m[1], file)
		}
	}
	command := regexp.MustCompile("`GOWORK=off (go run [^`]*govulncheck[^`]*)`").FindStringSubmatch(read(t, "security.md"))
	require.NotNil(t, command)
	assert.Contains(t, read(t, "../.github/workflows/vulnerabilities.yml"), command[1])
}

// redactionExample is the configuration under "Adding to it".
func redactionExample(t *testing.T) string {
	t.Helper()
	_, section, found := strings.Cut(read(t, "security.md"), "\n### Adding to it\n")
	require.True(t, found)
	_, block, found := strings.Cut(section, "```yaml\n")
	require.True(t, found)
	block, _, found = strings.Cut(block, "```")
	require.True(t, found)
	return block
}

// The example of patterns does what the page says of it.
func TestRedactionExample(t *testing.T) {
	var whole map[string]any
	block := strings.ReplaceAll(redactionExample(t), "${env:COLLECTOR_PII__HASH_KEY}", "0123456789abcdef")
	require.NoError(t, yaml.Unmarshal([]byte(block), &whole))
	conf, err := confmap.NewFromStringMap(whole).Sub("processors::piiredaction")
	require.NoError(t, err)
	factory := piiredactionprocessor.NewFactory()
	cfg := factory.CreateDefaultConfig()
	require.NoError(t, conf.Unmarshal(cfg))
	require.NoError(t, cfg.(interface{ Validate() error }).Validate())
	next := new(consumertest.LogsSink)
	p, err := factory.CreateLogs(context.Background(), processortest.NewNopSettings(factory.Type()), cfg, next)
	require.NoError(t, err)

	for text, want := range map[string]string{
		"I am C-00012345, call me":                "I am [CUSTOMER_REDACTED], call me",
		"send it to 12 Old Mill Road please":      "send it to [ADDRESS_REDACTED] please",
		"ich wohne in der Schillerstraße 12 b":    "ich wohne in der [ANSCHRIFT_REDACTED]",
		"My name is Ann O'Neill, thanks":          "[NAME_REDACTED], thanks",
		"it took 12 tries on the road to success": "it took 12 tries on the road to success",
		"I am happy with it":                      "I am happy with it",
		"ask support@example.com":                 "ask support@example.com",
		"ask ann@example.com":                     "ask [EMAIL_REDACTED]",
	} {
		next.Reset()
		logs := plog.NewLogs()
		body := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetEmptyMap()
		body.PutStr("type", "user_feedback")
		body.PutStr("user_id", "u-1")
		body.PutStr("comment", text)
		require.NoError(t, p.ConsumeLogs(context.Background(), logs))
		got := next.AllLogs()[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().Map().AsRaw()
		assert.Equal(t, want, got["comment"])
		assert.Regexp(t, "^[0-9a-f]{64}$", got["user_id"])
	}
}

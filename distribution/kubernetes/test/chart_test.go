// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package kubernetes

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/otelcol-feedback/otelcol-feedback/distribution/kubernetes/test/chart"
)

func TestLint(t *testing.T) {
	for name, file := range chart.Values(t) {
		out, err := chart.Helm(t, "lint", "--strict", chart.Path(), "--values", file)
		require.NoError(t, err, "%s: %s", name, out)
	}
}

// TestGolden holds what is rendered against files that people read in a review:
// the plain manifests, and the cases of these tests. "make generate" writes both.
func TestGolden(t *testing.T) {
	values := chart.Values(t)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		t.Run(name, func(t *testing.T) {
			got := chart.Render(t, "--values", values[name])
			golden := filepath.Join(chart.Dir(), "manifests", name+".yaml")
			if filepath.Base(filepath.Dir(values[name])) == "cases" {
				golden = filepath.Join("testdata", "golden", name+".yaml")
			}
			text, err := os.ReadFile(golden)
			require.NoError(t, err)
			_, want, _ := strings.Cut(string(text), "\n")
			assert.Equal(t, want, got, `%s: run "make generate"`, golden)
		})
	}
}

func TestRefused(t *testing.T) {
	secure := []string{"--values", chart.Values(t)["secure"]}
	for want, args := range map[string][]string{
		"spool/volume":                         {"--set", "delivery=durable,spool.volume=emptyDir"},
		"/spool/volume":                        {"--set", "delivery=exactly-once,spool.volume=emptyDir"},
		"/delivery":                            append(slices.Clone(secure), "--set", "delivery=buffered"),
		"/delivery': value must be 'buffered'": {"--set", "mode=daemon,delivery=durable"},
		"/security/enabled":                    {"--set", "mode=sidecar,security.enabled=true"},
		"/kafka/tls/enabled":                   append(slices.Clone(secure), "--set", "kafka.tls.enabled=false"),
		"/kafka/sasl/secretName":               {"--set", "kafka.sasl.enabled=true"},
		"/security/tls/secretName":             append(slices.Clone(secure), "--set", "security.tls.secretName="),
		"/security/auth/secretName":            append(slices.Clone(secure), "--set", "security.auth.secretName="),
		"/security/auth/jwksURL":               append(slices.Clone(secure), "--set", "security.auth.kind=jwksURL"),
		"/probes/readiness":                    append(slices.Clone(secure), "--set", "probes.readiness=grpc"),
		"/kafka/brokers":                       {"--set", "kafka.brokers={kafka}"},
		"'/mode'":                              {"--set", "mode=statefulset"},
		"additional properties 'replicas' not": {"--set", "replicas=3"},
		"/podDisruptionBudget/minAvailable":    {"--set", "podDisruptionBudget.minAvailable=101%"},
	} {
		_, err := chart.Template(t, args...)
		require.Error(t, err, "%v", args)
		assert.Contains(t, err.Error(), strings.TrimPrefix(want, "'"), "%v", args)
	}
}

// TestSchemaKnowsTheDefaults: each key of values.yaml is one of the schema, and the
// other way round.
func TestSchemaKnowsTheDefaults(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(chart.Path(), "values.schema.json"))
	require.NoError(t, err)
	var schema map[string]any
	require.NoError(t, json.Unmarshal(text, &schema))
	text, err = os.ReadFile(filepath.Join(chart.Path(), "values.yaml"))
	require.NoError(t, err)
	var values map[string]any
	require.NoError(t, yaml.UnmarshalStrict(text, &values))
	values["global"] = map[string]any{} // Helm's own
	sameKeys(t, "", schema, values)
}

func sameKeys(t *testing.T, path string, schema, values map[string]any) {
	t.Helper()
	properties, _ := schema["properties"].(map[string]any)
	if properties == nil {
		return
	}
	assert.Equal(t, false, schema["additionalProperties"], path)
	assert.ElementsMatch(t, slices.Collect(maps.Keys(properties)), slices.Collect(maps.Keys(values)), path)
	for key, s := range properties {
		if inner, ok := values[key].(map[string]any); ok {
			sameKeys(t, path+"."+key, s.(map[string]any), inner)
		}
	}
}

// TestVersions: one version for the product.
func TestVersions(t *testing.T) {
	manifest, err := os.ReadFile(chart.Repository("builder-config.yaml"))
	require.NoError(t, err)
	version := regexp.MustCompile(`(?m)^  version: (\S+)$`).FindSubmatch(manifest)
	require.NotNil(t, version)
	text, err := os.ReadFile(filepath.Join(chart.Path(), "Chart.yaml"))
	require.NoError(t, err)
	var got struct{ Version, AppVersion string }
	require.NoError(t, yaml.Unmarshal(text, &got))
	assert.Equal(t, string(version[1]), got.Version)
	assert.Equal(t, string(version[1]), got.AppVersion)
	job, err := os.ReadFile(filepath.Join(chart.Dir(), "examples", "drain-job.yaml"))
	require.NoError(t, err)
	assert.Contains(t, string(job), "otelcol-feedback:"+string(version[1])+"\n")
}

// TestCopies: the chart holds the repository's configurations and rules, unchanged.
func TestCopies(t *testing.T) {
	n := 0
	for _, folder := range []string{"config", "config/overlays", "rules"} {
		copies, err := filepath.Glob(filepath.Join(chart.Path(), "files", folder, "*.yaml"))
		require.NoError(t, err)
		for _, file := range copies {
			original := chart.Repository(folder, filepath.Base(file))
			if folder == "rules" {
				original = chart.Repository("distribution/observability/prometheus", filepath.Base(file))
			}
			want, err := os.ReadFile(original)
			require.NoError(t, err)
			got, err := os.ReadFile(file)
			require.NoError(t, err)
			_, text, _ := strings.Cut(string(got), "\n")
			assert.Equal(t, string(want), text, `%s: run "make generate"`, file)
			n++
		}
	}
	assert.Equal(t, 10, n)
}

// TestNotes: who installs the chart is told what scales it.
func TestNotes(t *testing.T) {
	// Only an installation prints notes, and that needs a cluster: a copy of the chart
	// has them in an object.
	copied := t.TempDir()
	require.NoError(t, os.CopyFS(copied, os.DirFS(chart.Path())))
	object := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: notes}\ndata:\n  notes: |\n    {{- include \"otelcol-feedback.notes\" . | nindent 4 }}\n"
	require.NoError(t, os.WriteFile(filepath.Join(copied, "templates", "notes.yaml"), []byte(object), 0o600))
	for want, args := range map[string][]string{
		"looks at CPU and memory only: this cluster serves no":                     nil,
		"looks at CPU and memory only: autoscaling.podMetrics is disabled":         {"--set", "autoscaling.podMetrics=disabled"},
		"looks at CPU, memory, collector_buffer_utilization and":                   {"--set", "autoscaling.podMetrics=enabled"},
		"The spool is an emptyDir: what it holds is lost with the pod":             nil,
		"mode standalone, delivery durable.":                                       {"--set", "delivery=durable"},
		"https://otelcol-feedback.feedback.svc:8080/v1/feedback":                   {"--values", chart.Values(t)["secure"]},
		"--brokers kafka:9092 --events-topic ratings --dlq-topic refused":          {"--set", "kafka.topic=ratings,kafka.deadLetterTopic=refused"},
		"Pods stay pending on nodes without the label topology.kubernetes.io/zone": nil,
	} {
		out, err := chart.Helm(t, append([]string{
			"template", chart.Release, copied, "--namespace", chart.Namespace, "--show-only", "templates/notes.yaml",
		}, args...)...)
		require.NoError(t, err)
		assert.Contains(t, strings.Join(strings.Fields(out), " "), want)
	}
}

// TestAdapterIsFound: with prometheus-adapter in the cluster the HPA asks for its
// metrics, without being told to.
func TestAdapterIsFound(t *testing.T) {
	for found, args := range map[bool][]string{false: nil, true: {"--api-versions", "custom.metrics.k8s.io/v1beta1"}} {
		out := chart.Render(t, append(args, "--show-only", "templates/hpa.yaml")...)
		assert.Equal(t, found, strings.Contains(out, "collector_ingestion_rate"))
	}
}

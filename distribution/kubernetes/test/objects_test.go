// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package kubernetes

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/otelcol-feedback/otelcol-feedback/distribution/kubernetes/test/chart"
)

func decoder(t *testing.T) *chart.Decoder {
	t.Helper()
	crds, err := chart.CRDs()
	require.NoError(t, err)
	d, err := chart.NewDecoder(crds)
	require.NoError(t, err)
	return d
}

func decode(t *testing.T, d *chart.Decoder, text string) []runtime.Object {
	t.Helper()
	objects, err := d.DecodeAll(text, func(err error) {
		if os.Getenv("CI") == "true" {
			t.Error(err)
		}
		t.Log(err)
	})
	require.NoError(t, err)
	return objects
}

// each runs a test on the objects of each case.
func each(t *testing.T, test func(t *testing.T, name string, objects []runtime.Object)) {
	d := decoder(t)
	values := chart.Values(t)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		t.Run(name, func(t *testing.T) {
			test(t, name, decode(t, d, chart.Render(t, "--values", values[name])))
		})
	}
}

// TestDecodesStrictly: every object is one of its API's type, without a field that
// the type does not have.
func TestDecodesStrictly(t *testing.T) {
	each(t, func(t *testing.T, _ string, objects []runtime.Object) { assert.NotEmpty(t, objects) })

	d := decoder(t)
	for _, pattern := range []string{"examples/*.yaml", "examples/strimzi/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(chart.Dir(), pattern))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.NotEmpty(t, decode(t, d, string(text)), file)
		}
	}
}

// TestDecoderRefuses: the test above can fail.
func TestDecoderRefuses(t *testing.T) {
	d := decoder(t)
	for _, doc := range []string{
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicaz: 1}\n",
		"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: x}]}\n",
		"apiVersion: kafka.strimzi.io/v1\nkind: KafkaTopic\nmetadata: {name: a, labels: {strimzi.io/cluster: c}}\nspec: {partition: 1}\n",
		"apiVersion: kafka.strimzi.io/v1\nkind: KafkaTopic\nmetadata: {name: a}\nspec: {partitions: 1}\n",
		"apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: a}\nspec: {scaleTargetRef: {name: a}, triggers: [], maxReplicas: 3}\n",
		"apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {name: a}\nspec: {selector: {}, endpoints: []}\n",
	} {
		_, err := d.Decode(doc)
		if chart.IsUndefined(err) && os.Getenv(chart.CRDsEnv) == "" {
			continue
		}
		require.Error(t, err, doc)
		assert.False(t, chart.IsUndefined(err), doc)
	}
}

// TestPods: what each pod has to have, whatever the values say.
func TestPods(t *testing.T) {
	each(t, func(t *testing.T, name string, objects []runtime.Object) {
		w, err := chart.FindWorkload(objects)
		require.NoError(t, err)
		spec := w.Pod.Spec
		assert.False(t, *spec.AutomountServiceAccountToken)
		assert.True(t, *spec.SecurityContext.RunAsNonRoot)
		assert.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, spec.SecurityContext.SeccompProfile.Type)
		assert.Len(t, w.Pod.Annotations["checksum/config"], 64)
		for _, c := range slices.Concat(spec.Containers, spec.InitContainers) {
			sc := c.SecurityContext
			assert.True(t, *sc.ReadOnlyRootFilesystem, c.Name)
			assert.False(t, *sc.AllowPrivilegeEscalation, c.Name)
			assert.Equal(t, []corev1.Capability{"ALL"}, sc.Capabilities.Drop, c.Name)
			if c.Name == "own-state" {
				assert.Equal(t, []corev1.Capability{"CHOWN"}, sc.Capabilities.Add)
				continue
			}
			assert.Empty(t, sc.Capabilities.Add, c.Name)
			assert.EqualValues(t, 65532, *sc.RunAsUser, c.Name)
		}
		c := w.Collector
		assert.NotNil(t, c.StartupProbe)
		assert.NotNil(t, c.LivenessProbe)
		assert.NotNil(t, c.ReadinessProbe)
		if name == "nothing" { // resources of its own
			assert.Equal(t, "10m", c.Resources.Requests.Cpu().String())
		} else {
			assert.Contains(t, sizes(), strings.Join([]string{
				c.Resources.Requests.Cpu().String(), c.Resources.Limits.Cpu().String(),
				c.Resources.Requests.Memory().String(), c.Resources.Limits.Memory().String(),
			}, " "))
		}
		for _, e := range c.Env { // passwords by reference only
			if strings.Contains(e.Name, "PASSWORD") || strings.Contains(e.Name, "HASH_KEY") {
				assert.NotNil(t, e.ValueFrom.SecretKeyRef, e.Name)
			}
		}
		// The port that Prometheus is told is one that it reaches.
		assert.Equal(t, "0.0.0.0", w.Env()["COLLECTOR_TELEMETRY__METRICS_HOST"])
		assertGrace(t, w)
		assertSpool(t, w)
	})
}

// sizes are the rows of the architecture document's sizing table.
func sizes() []string {
	return []string{"100m 500m 128Mi 512Mi", "500m 2 512Mi 2Gi", "1 4 1Gi 4Gi", "2 8 2Gi 8Gi"}
}

// assertGrace: the grace period holds the hook, and all of the shutdown after it.
func assertGrace(t *testing.T, w *chart.Workload) {
	t.Helper()
	var overlay struct {
		Extensions struct {
			Runtime struct {
				Delay   string `json:"shutdown_delay"`
				Timeout string `json:"shutdown_timeout"`
			} `json:"feedbackruntime"`
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(w.Config.Data["kubernetes.yaml"]), &overlay))
	needs := seconds(t, overlay.Extensions.Runtime.Delay) + seconds(t, overlay.Extensions.Runtime.Timeout)
	command := w.PreStop("feedbackctl", "spool")
	_, kafka := w.Env()["COLLECTOR_KAFKA__BROKERS"]
	assert.Equal(t, kafka, command != nil, "what has a spool waits for it")
	if command != nil {
		assert.Equal(t, []string{"feedbackctl", "spool", "wait", "--directory", "spool", "--timeout"}, command[:6])
		needs += seconds(t, command[6])
	}
	assert.Greater(t, *w.Pod.Spec.TerminationGracePeriodSeconds, needs)
}

func seconds(t *testing.T, duration string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.TrimSuffix(duration, "s"), 10, 64)
	require.NoError(t, err)
	return n
}

// assertSpool: what acknowledges on disk has a disk that outlives the pod, and the
// spool fits on it.
func assertSpool(t *testing.T, w *chart.Workload) {
	t.Helper()
	env := w.Env()
	if env["COLLECTOR_SPOOL__DIRECTORY"] == "" {
		return
	}
	most, err := strconv.ParseInt(env["COLLECTOR_SPOOL__MAX_SIZE_MIB"], 10, 64)
	require.NoError(t, err)
	assert.Positive(t, most)
	durable := strings.Contains(w.Config.Data["kubernetes.yaml"], "acknowledge: delivered") ||
		!strings.Contains(w.Collector.Args[0], "collector.yaml")
	switch o := w.Object.(type) {
	case *appsv1.StatefulSet:
		require.Len(t, o.Spec.VolumeClaimTemplates, 1)
		size := o.Spec.VolumeClaimTemplates[0].Spec.Resources.Requests.Storage()
		assert.Greater(t, size.Value(), most<<20)
		assert.Equal(t, appsv1.RetainPersistentVolumeClaimRetentionPolicyType, o.Spec.PersistentVolumeClaimRetentionPolicy.WhenScaled)
	case *appsv1.DaemonSet:
		assert.True(t, slices.ContainsFunc(o.Spec.Template.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == "data" && v.HostPath != nil }))
	default:
		assert.False(t, durable)
		for _, v := range w.Pod.Spec.Volumes {
			if v.EmptyDir != nil {
				assert.Greater(t, v.EmptyDir.SizeLimit.Value(), most<<20)
			}
		}
	}
}

// TestScalingMetricsAreRecorded: what the autoscalers ask for is what the recording
// rules make (a test of scaledown looks for what those are made from in a scrape).
func TestScalingMetricsAreRecorded(t *testing.T) {
	text, err := os.ReadFile(chart.Repository("distribution/observability/prometheus/recording.yaml"))
	require.NoError(t, err)
	rules := string(text)
	values := chart.Values(t)
	objects := decode(t, decoder(t), chart.Render(t, "--values", values["standalone"]))
	var asked []string
	for _, o := range objects {
		switch o := o.(type) {
		case *autoscalingv2.HorizontalPodAutoscaler:
			for _, m := range o.Spec.Metrics {
				if m.Pods != nil {
					asked = append(asked, m.Pods.Metric.Name)
				}
			}
		case *corev1.ConfigMap:
			if adapter, ok := o.Data["config.yaml"]; ok {
				for _, name := range []string{"collector_buffer_utilization", "collector_ingestion_rate"} {
					assert.Contains(t, adapter, "seriesQuery: '"+name+`{namespace!="",pod!=""}'`)
				}
				asked = append(asked, "adapter")
			}
		}
	}
	assert.Equal(t, []string{"adapter", "collector_buffer_utilization", "collector_ingestion_rate"}, slices.Sorted(slices.Values(asked)))
	keda := chart.Render(t, "--values", values["keda"], "--show-only", "templates/scaledobject.yaml")
	for _, name := range asked {
		if name != "adapter" {
			assert.Contains(t, rules, "- record: "+name+"\n")
			assert.Contains(t, keda, "sum("+name+`{namespace="feedback",pod=~"otelcol-feedback-.+"})`)
		}
	}
}

// TestRules: the PrometheusRule holds the groups of distribution/observability.
func TestRules(t *testing.T) {
	type file struct {
		Groups []any `json:"groups"`
	}
	var want file
	for _, name := range []string{"recording", "slo", "alerts"} {
		text, err := os.ReadFile(chart.Repository("distribution/observability/prometheus", name+".yaml"))
		require.NoError(t, err)
		var f file
		require.NoError(t, yaml.UnmarshalStrict(text, &f))
		want.Groups = append(want.Groups, f.Groups...)
	}
	var got struct {
		Spec file `json:"spec"`
	}
	out := chart.Render(t, "--set", "metrics.prometheusRule=true", "--show-only", "templates/prometheusrule.yaml")
	require.NoError(t, yaml.Unmarshal([]byte(out), &got))
	assert.Equal(t, want, got.Spec)
}

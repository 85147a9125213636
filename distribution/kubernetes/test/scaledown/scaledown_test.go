// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package scaledown

import (
	"io"
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
	"sigs.k8s.io/yaml"

	"github.com/otelcol-feedback/otelcol-feedback/distribution/kubernetes/test/chart"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/kafka"
)

func startKafka(t *testing.T) *kafka.Cluster {
	t.Helper()
	cluster, err := kafka.Start(t.Context(), kafka.Libs(t), t.TempDir(), kafka.Options{HeapMiB: 512})
	require.NoError(t, err)
	t.Cleanup(cluster.Stop)
	return cluster
}

func createTopics(t *testing.T, cluster *kafka.Cluster) {
	t.Helper()
	require.NoError(t, cluster.CreateTopic(t.Context(), events, 12, nil))
	require.NoError(t, cluster.CreateTopic(t.Context(), letters, 3, nil))
}

// fill starts the pod, has it deliver, takes Kafka away and has it take events for the spool.
func fill(t *testing.T, p *pod, cluster *kafka.Cluster, n int) *collector.Collector {
	t.Helper()
	createTopics(t, cluster)
	c := collector.Run(t, p.options)
	p.send(t, c, 20)
	cluster.Nodes[0].Stop()
	p.send(t, c, n)
	require.GreaterOrEqual(t, p.stored(t), n, "what is acknowledged without Kafka is on disk")
	return c
}

// TestScaleDownWithFullSpool: the hook holds the pod until Kafka has what the spool
// held; then it ends in order, and every acknowledged event is there once.
func TestScaleDownWithFullSpool(t *testing.T) {
	for _, delivery := range []string{"durable", "exactly-once"} {
		t.Run(delivery, func(t *testing.T) {
			cluster := startKafka(t)
			p := newPod(t, cluster, "delivery="+delivery, "shutdown.spoolWaitSeconds=300", "shutdown.delaySeconds=1")
			c := fill(t, p, cluster, 200)
			out, code, killed := p.end(t, c, func() {
				assert.True(t, c.Running())
				require.NoError(t, cluster.Nodes[0].Restart(t.Context()))
			})
			assert.Zero(t, code, out)
			assert.Contains(t, out, "the spool is empty")
			assert.False(t, killed)
			assert.Zero(t, c.ExitCode())
			assert.Zero(t, p.stored(t))
			p.assertDelivered(t, cluster, true)
		})
	}
}

// TestScaleDownOutOfGrace: Kafka stays away longer than the hook waits. The pod ends
// within its grace, its claim keeps the events, and the pod of the same name that
// comes with the next scale-up delivers them.
func TestScaleDownOutOfGrace(t *testing.T) {
	for _, delivery := range []string{"durable", "exactly-once"} {
		t.Run(delivery, func(t *testing.T) {
			cluster := startKafka(t)
			p := newPod(t, cluster, "delivery="+delivery, "shutdown.spoolWaitSeconds=2", "shutdown.delaySeconds=1", "shutdown.timeoutSeconds=10")
			c := fill(t, p, cluster, 100)
			out, code, killed := p.end(t, c, func() {})
			assert.Equal(t, 1, code, out)
			assert.Regexp(t, `\d+ events are left after 2s`, out)
			assert.False(t, killed, "it ends by itself")
			assert.GreaterOrEqual(t, p.stored(t), 100)

			require.NoError(t, cluster.Nodes[0].Restart(t.Context()))
			collector.Run(t, p.options) // scaled up again: the same name, the same claim
			p.assertDelivered(t, cluster, delivery == "exactly-once")
			require.Eventually(t, func() bool { return p.stored(t) == 0 }, time.Minute, 200*time.Millisecond)
		})
	}
}

// TestKilledWithFullSpool: the node takes the pod down at once, and the job of the
// runbook sends what the claim holds.
func TestKilledWithFullSpool(t *testing.T) {
	cluster := startKafka(t)
	p := newPod(t, cluster, "delivery=durable")
	c := fill(t, p, cluster, 100)
	c.Kill()
	<-c.Done()
	assert.GreaterOrEqual(t, p.stored(t), 100)
	require.NoError(t, cluster.Nodes[0].Restart(t.Context()))

	text, err := os.ReadFile(filepath.Join(chart.Dir(), "examples", "drain-job.yaml"))
	require.NoError(t, err)
	var job struct {
		Spec struct {
			Template struct {
				Spec struct{ Containers []struct{ Command []string } }
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &job))
	command := job.Spec.Template.Spec.Containers[0].Command
	replace := strings.NewReplacer(
		"/usr/bin/feedbackctl", feedbackctl(t), "/var/lib/otelcol-feedback/spool", p.spool, "kafka:9092", cluster.Brokers()[0])
	for i := range command {
		command[i] = replace.Replace(command[i])
	}
	out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Zero(t, p.stored(t))
	p.assertDelivered(t, cluster, false)
}

// TestScalingMetricsAreScraped: what the recording rules make the autoscalers'
// metrics from is what the collector serves, on every address of its pod.
func TestScalingMetricsAreScraped(t *testing.T) {
	cluster := startKafka(t)
	createTopics(t, cluster)
	p := newPod(t, cluster, "delivery=durable")
	c := collector.Run(t, p.options)
	p.send(t, c, 1)
	text, err := os.ReadFile(chart.Repository("distribution/observability/prometheus/recording.yaml"))
	require.NoError(t, err)
	var rules struct {
		Groups []struct {
			Rules []struct{ Record, Expr string }
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &rules))
	name := regexp.MustCompile(`otelcol_feedback_\w+`)
	found := 0
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if r.Record != "collector_buffer_utilization" && r.Record != "collector_ingestion_rate" {
				continue
			}
			found++
			series := name.FindString(r.Expr)
			served := regexp.MustCompile(`(?m)^` + series + `[ {]`)
			require.Eventually(t, func() bool { return served.MatchString(scrape(t, c)) },
				30*time.Second, 200*time.Millisecond, "%s is made from %s, which is not served", r.Record, series)
		}
	}
	assert.Equal(t, 2, found)
}

// scrape reads the metrics at an address that is not the one which localhost is:
// on Linux all of 127.0.0.0/8 is this machine.
func scrape(t *testing.T, c *collector.Collector) string {
	t.Helper()
	_, port, err := net.SplitHostPort(c.Metrics)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.2:"+port+"/metrics", nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(text)
}

// TestStrimziTopics: "feedbackctl topics check" has nothing to say about topics made
// as the examples for Strimzi make them.
func TestStrimziTopics(t *testing.T) {
	cluster := startKafka(t)
	text, err := os.ReadFile(filepath.Join(chart.Dir(), "examples", "strimzi", "topics.yaml"))
	require.NoError(t, err)
	docs, err := chart.Documents(string(text))
	require.NoError(t, err)
	require.Len(t, docs, 2)
	for _, doc := range docs {
		var topic chart.KafkaTopic
		require.NoError(t, yaml.UnmarshalStrict([]byte(doc), &topic))
		assert.EqualValues(t, 3, topic.Spec.Replicas)
		configs := map[string]*string{}
		for key, value := range topic.Spec.Config {
			s, err := yaml.Marshal(value)
			require.NoError(t, err)
			config := strings.TrimSpace(string(s))
			if key == "min.insync.replicas" { // one node
				assert.Equal(t, "2", config)
				config = "1"
			}
			configs[key] = &config
		}
		require.NoError(t, cluster.CreateTopic(t.Context(), topic.Name, topic.Spec.Partitions, configs))
	}
	out, err := exec.Command(feedbackctl(t), "topics", "check", "--replication-factor", "1", "--brokers", cluster.Brokers()[0]).CombinedOutput()
	assert.NoError(t, err, "%s", out)
}

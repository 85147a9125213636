// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const hashFile = "testdata/hash.yaml"

func TestLoad(t *testing.T) {
	l, err := Load(t.Context(), []string{hashFile})
	require.NoError(t, err)
	assert.Equal(t, 48*time.Hour, l.Validation.MaxAge)
	assert.Equal(t, 10_000, l.Validation.MaxStringLength, "what is not set is the default")
	assert.Equal(t, "hash", l.Redaction.UserID)
	assert.Equal(t, "0123456789abcdef", string(l.Redaction.HashKey))
	assert.Equal(t, "request_id", l.Keys.Keys["user_feedback"])
	assert.Equal(t, "mine", l.TopicOf("user_feedback"))
	assert.Equal(t, "health", l.TopicOf("system_health"))
	assert.Equal(t, "mine-dlq", l.DeadLetterTopic)
	assert.Equal(t, []string{"transform/mine"}, l.NotApplied)
}

// What is delivered with the collector can be replayed with.
func TestLoadShipped(t *testing.T) {
	t.Setenv("COLLECTOR_KAFKA__TOPIC", "from-env")
	for _, name := range []string{"collector.yaml", "quickstart.yaml", "daemon.yaml"} {
		l, err := Load(t.Context(), []string{filepath.Join("..", "..", "..", "..", "config", name)})
		require.NoError(t, err, name)
		assert.Equal(t, "from-env", l.EventsTopic, name)
		assert.Equal(t, "feedback-events-dlq", l.DeadLetterTopic, name)
		assert.Empty(t, l.NotApplied, name)
		assert.Equal(t, DefaultSettings().Validation, l.Validation, name)
		assert.Equal(t, DefaultSettings().Redaction, l.Redaction, name)
	}
}

func TestLoadFails(t *testing.T) {
	const ok = "exporters:\n  feedbackkafka:\nservice:\n  pipelines:\n    logs: {processors: [feedbackvalidation], exporters: [feedbackkafka]}\n"
	for want, text := range map[string]string{
		"none exports to feedbackkafka":               "service:\n  pipelines:\n    logs:\n      exporters: [kafka]\n",
		"several differ in how they publish feedback": ok + "    logs/2: {processors: [], exporters: [feedbackkafka]}\n",
		"processors::feedbackvalidation:":             "processors:\n  feedbackvalidation:\n    max_agee: 1h\n" + ok,
		"max_age: must be greater than 0":             "processors:\n  feedbackvalidation:\n    max_age: 0s\n" + ok,
		"service::pipelines:":                         "service:\n  pipelines:\n    logs: 5\n",
		"exporters::feedbackkafka:":                   "exporters:\n  feedbackkafka:\n    topics: 7\n" + ok[len("exporters:\n  feedbackkafka:\n"):],
	} {
		file := filepath.Join(t.TempDir(), "c.yaml")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := Load(t.Context(), []string{file})
		assert.ErrorContains(t, err, want)
	}
	_, err := Load(t.Context(), []string{"nowhere.yaml"})
	assert.ErrorContains(t, err, "nowhere.yaml")
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
)

// TestReadme starts what "make run" starts and runs the README's commands in
// their order, as a newcomer would.
func TestReadme(t *testing.T) {
	root := filepath.Dir(filepath.Dir(collector.ConfigFile("quickstart.yaml")))
	require.Equal(t, filepath.Join(root, "bin", "otelcol-feedback"), collector.Binary(t), "the README's paths are those of make build")
	c, err := collector.Start(filepath.Join(root, "scripts", "run.sh"), collector.Options{
		Dir:  t.TempDir(),
		Args: []string{"--set=extensions::zpages::endpoint=localhost:0"}, // nobody else has it
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		code, err := c.Stop(30 * time.Second)
		assert.NoError(t, err)
		assert.Zero(t, code)
	})
	require.NoError(t, c.AwaitReady(t.Context()))
	assert.Contains(t, c.Log(), "bin/feedbackctl tail --brokers "+c.Kafka, "it says where to look")

	// What each command must print.
	wants := [][]string{
		{"HTTP/1.1 202 Accepted", `"accepted":1`, `"event_ids":["`},
		{"key=s-1", "event_type=user_feedback", "mail me at [EMAIL_REDACTED]"},
		{`"accepted":1,"rejected":1`, `"code":"out_of_range","field":"rating"`},
		{`"accepted": 1`, `"eventIds": [`},
		{`"partialSuccess":{}`},
		{""},
	}
	commands := shellBlocks(t, filepath.Join(root, "README.md"))
	require.Len(t, commands, len(wants))
	ports := strings.NewReplacer("localhost:8080", c.HTTP, "localhost:9090", c.GRPC, "localhost:4318", c.OTLPHTTP)
	for i, command := range commands {
		cmd := exec.CommandContext(t.Context(), "bash", "-ceu", ports.Replace(command))
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "COLLECTOR_KAFKA__BROKERS="+c.Kafka)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		require.NoError(t, err, "%s\n%s\n%s", command, out, stderr.String())
		for _, want := range wants[i] {
			assert.Contains(t, string(out), want, command)
		}
		assert.NotContains(t, string(out), "ann@example.com", command)
	}
}

// shellBlocks are the contents of a Markdown file's blocks marked sh.
func shellBlocks(t *testing.T, file string) []string {
	t.Helper()
	return blocks(t, file, "sh")
}

// blocks are the contents of a Markdown file's blocks in a language.
func blocks(t *testing.T, file, language string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for i, part := range strings.Split(string(text), "```"+language+"\n") {
		if i > 0 {
			block, _, closed := strings.Cut(part, "```")
			require.True(t, closed)
			blocks = append(blocks, block)
		}
	}
	return blocks
}

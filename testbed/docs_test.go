// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
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

// TestDocs runs the commands of pages in docs/ in their order, against a
// collector and Apache Kafka.
func TestDocs(t *testing.T) {
	ctl := ctlBinary(t)
	root := filepath.Dir(filepath.Dir(collector.ConfigFile("collector.yaml")))
	for page, wants := range map[string][]func(t *testing.T, out string){
		"consuming.md": {
			func(t *testing.T, out string) {
				assert.Contains(t, out, "accepted 50, refused 0")
				assert.Len(t, printed(out), 50)
			},
			func(t *testing.T, out string) {
				lines := printed(out)
				if assert.Len(t, lines, 2) {
					assert.Contains(t, lines[0], "user_feedback 0197f5c4-6f2a-7c31-b1a0-5d6c7e8f9a0b key=s-1 ")
					assert.Contains(t, lines[1], `"thumbs":"down"`)
				}
			},
			func(t *testing.T, out string) {
				assert.Equal(t, "no dead letters\nwould be replayed 0, refused again 0, cannot be replayed 0, replayed before 0\n", out)
			},
		},
		"kafka-topics.md": {
			func(t *testing.T, out string) {
				assert.Contains(t, out, "feedback-docs: created, partitions 12, copies 1\n")
				assert.Contains(t, out, "feedback-docs-dlq: as it should be\n")
			},
		},
	} {
		t.Run(page, func(t *testing.T) {
			s := newStream(t)
			start := collector.Run
			if page == "kafka-topics.md" {
				// They are not there yet; the collector waits for them.
				s.topic, s.deadLetter = "feedback-docs", "feedback-docs-dlq"
				start = collector.Launch
			}
			c := start(t, collector.Options{Configs: []string{collector.ConfigFile("collector.yaml")}, Env: s.env()})
			commands := shellBlocks(t, filepath.Join(root, "docs", page))
			require.Len(t, commands, len(wants))
			places := strings.NewReplacer("bin/feedbackctl send", ctl+" send --endpoint "+c.HTTP, "bin/feedbackctl", ctl)
			for i, command := range commands {
				cmd := exec.CommandContext(t.Context(), "bash", "-ceu", places.Replace(command))
				cmd.Dir = root
				cmd.Env = append(append(os.Environ(), "GOWORK=off"), s.env()...)
				var stderr strings.Builder
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				require.NoError(t, err, "%s\n%s\n%s", command, out, stderr.String())
				wants[i](t, string(out))
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			require.NoError(t, c.AwaitReady(ctx))
		})
	}
}

// printed are the lines that the example consumer printed.
func printed(out string) (lines []string) {
	for line := range strings.Lines(out) {
		if strings.Contains(line, " key=") {
			lines = append(lines, line)
		}
	}
	return lines
}

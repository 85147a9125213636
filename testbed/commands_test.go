// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
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
)

// session is a command of a page, and what the page says it prints.
type session struct{ command, want string }

// sessions are the commands of a page's blocks marked console: a line that
// begins with "$ " is a command, the lines below it are its output.
func sessions(t *testing.T, file string) (out []session) {
	t.Helper()
	for _, block := range blocks(t, file, "console") {
		require.True(t, strings.HasPrefix(block, "$ "), "%s: a console block begins with a command:\n%s", file, block)
		for part := range strings.SplitSeq("\n"+strings.TrimSuffix(block, "\n"), "\n$ ") {
			if part == "" {
				continue
			}
			command, want, _ := strings.Cut(part, "\n")
			out = append(out, session{command, want})
		}
	}
	return out
}

// printsAs turns what a page shows into an expression: "…" stands for anything.
func printsAs(want string) *regexp.Regexp {
	parts := strings.Split(want, "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`^(?s:` + strings.Join(parts, ".*") + `)\s*$`)
}

func TestPrintsAs(t *testing.T) {
	assert.Regexp(t, printsAs(`{"ids":["…"]}`), "{\"ids\":[\"a-b\"]}\n")
	assert.NotRegexp(t, printsAs(`{"ids":["…"]}`), `{"ids":[]}`)
	assert.NotRegexp(t, printsAs("a"), "a and more")
	assert.Regexp(t, printsAs("…\n{b…"), "x\ny\n{b, c\n")
	assert.NotRegexp(t, printsAs(""), "x")
}

// TestConsole runs every console block of the pages, against the quick start.
func TestConsole(t *testing.T) {
	root := filepath.Dir(filepath.Dir(collector.ConfigFile("quickstart.yaml")))
	require.Equal(t, filepath.Join(root, "bin", "otelcol-feedback"), collector.Binary(t), "the pages' paths are those of make build")
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	ran := 0
	for _, page := range pages {
		commands := sessions(t, page)
		if len(commands) == 0 {
			continue
		}
		ran++
		t.Run(filepath.Base(page), func(t *testing.T) {
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
			places := strings.NewReplacer("localhost:8080", c.HTTP, "localhost:8888", c.Metrics, "bin/feedbackctl send", "bin/feedbackctl send --endpoint "+c.HTTP)
			for _, s := range commands {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				cmd := exec.CommandContext(ctx, "bash", "-c", places.Replace(s.command))
				cmd.Dir = root
				cmd.Env = append(os.Environ(), "COLLECTOR_KAFKA__BROKERS="+c.Kafka)
				var stderr strings.Builder
				cmd.Stderr = &stderr
				printed, err := cmd.Output()
				cancel()
				if strings.HasSuffix(s.command, "2>&1") {
					assert.Error(t, err, "%s is an example of a mistake", s.command)
				} else {
					require.NoError(t, err, "%s\n%s\n%s", s.command, printed, stderr.String())
				}
				assert.Regexp(t, printsAs(s.want), string(printed), s.command)
			}
		})
	}
	assert.Positive(t, ran)
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// BinEnv names the binary under test.
const BinEnv = "FEEDBACK_BIN"

// Binary returns the path of the binary under test. Without it the test is
// skipped; with CI=true it fails.
func Binary(tb testing.TB) string {
	tb.Helper()
	bin, err := filepath.Abs(os.Getenv(BinEnv))
	if _, lookErr := exec.LookPath(bin); os.Getenv(BinEnv) == "" || err != nil || lookErr != nil {
		what := BinEnv + " names no binary: run \"make build\", or \"make test\", which sets it"
		if os.Getenv("CI") == "true" {
			tb.Fatal(what)
		}
		tb.Skip(what)
	}
	return bin
}

// ConfigFile is the path of a file in config/.
func ConfigFile(name string) string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..", "config", name)
}

// Run starts a collector for a test, waits until it is ready and stops it at
// the end of the test. A panic or a data race in its log fails the test.
func Run(tb testing.TB, opts Options) *Collector {
	tb.Helper()
	c := Launch(tb, opts)
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	require.NoError(tb, c.AwaitReady(ctx))
	return c
}

// Launch is Run without the wait.
func Launch(tb testing.TB, opts Options) *Collector {
	tb.Helper()
	if opts.Dir == "" {
		opts.Dir = tb.TempDir()
	}
	c, err := Start(Binary(tb), opts)
	require.NoError(tb, err)
	tb.Cleanup(func() {
		if _, err := c.Stop(40 * time.Second); err != nil {
			tb.Error(err)
		}
		for _, sign := range []string{"panic: ", "DATA RACE", "goroutine 1 ["} {
			assert.NotContains(tb, c.Log(), sign)
		}
		if tb.Failed() {
			tb.Logf("the collector's log ends:\n%s", withoutStacks(c.proc.LogTail(500), 40))
		}
	})
	return c
}

// AssertUnsaid fails the test if the log holds any of the words.
func (c *Collector) AssertUnsaid(tb testing.TB, words ...string) {
	tb.Helper()
	for line := range strings.Lines(c.Log()) {
		for _, w := range words {
			if strings.Contains(line, w) {
				tb.Errorf("the log repeats a value: %q in %s", w, line)
			}
		}
	}
}

// withoutStacks is the last n lines that begin with a time.
func withoutStacks(log string, n int) string {
	var lines []string
	for line := range strings.Lines(log) {
		if strings.HasPrefix(line, "20") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

func TestSpoolWaitUntilEmpty(t *testing.T) {
	dir := t.TempDir()
	sp := fillSpool(t, dir)
	done := make(chan outcome)
	go func() { done <- ctl(t, "", nil, "spool", "wait", "-d", dir, "--timeout", "1m") }()
	for _, id := range sp.Lanes() {
		entries, err := sp.Read(id, 0, 0, 0)
		require.NoError(t, err)
		select {
		case got := <-done:
			t.Fatalf("it did not wait: %+v", got)
		default:
		}
		require.NoError(t, sp.Done(id, positions(entries)...))
	}
	got := <-done
	assert.Equal(t, exitOK, got.code)
	assert.Contains(t, got.out, "the spool is empty, after ")
	assert.Empty(t, got.err)
}

func TestSpoolWaitGivesUp(t *testing.T) {
	dir := t.TempDir()
	sp := fillSpool(t, dir)
	for _, timeout := range []string{"0s", "20ms"} {
		begin := time.Now()
		got := ctl(t, "", map[string]string{envSpoolDirectory: dir}, "spool", "wait", "--timeout", timeout)
		assert.Equal(t, outcome{exitRejected, "6 events are left after " + timeout + "\n", ""}, got)
		assert.Less(t, time.Since(begin), 10*time.Second)
	}

	// Nobody is there who could empty it: it does not wait for the time-out.
	require.NoError(t, sp.Close())
	got := ctl(t, "", nil, "spool", "wait", "-d", dir, "--timeout", "24h")
	assert.Equal(t, outcome{exitRejected, "6 events are left, and no collector is running that could send them\n", ""}, got)
}

func TestSpoolWaitErrors(t *testing.T) {
	dir := t.TempDir()
	for want, args := range map[string][]string{
		"--timeout must not be negative": {"-d", dir, "--timeout", "-1s"},
		"no such file or directory":      {"-d", filepath.Join(dir, "none")},
		"takes no argument":              {"x"},
	} {
		got := ctl(t, "", nil, append([]string{"spool", "wait"}, args...)...)
		assert.Equal(t, exitError, got.code, want)
		assert.Contains(t, got.err, want)
	}
}

func positions(entries []spool.Positioned) []spool.Position {
	var ps []spool.Position
	for _, e := range entries {
		ps = append(ps, e.Position)
	}
	return ps
}

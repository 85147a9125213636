// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSpoolOwn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = 65532, 65533
	}
	for range 2 { // it may be there
		got := ctl(t, "", nil, "spool", "own", "-d", dir, "--owner", fmt.Sprintf("%d:%d", uid, gid))
		assert.Equal(t, outcome{exitOK, "", ""}, got)
		info, err := os.Stat(dir)
		require.NoError(t, err)
		stat, ok := info.Sys().(*syscall.Stat_t)
		require.True(t, ok)
		assert.Equal(t, fmt.Sprintf("%d:%d", uid, gid), fmt.Sprintf("%d:%d", stat.Uid, stat.Gid))
	}
	if uid == os.Getuid() {
		got := ctl(t, "", nil, "spool", "own", "-d", dir, "--owner", "0:0")
		assert.Equal(t, exitError, got.code)
		assert.Contains(t, got.err, "it takes root")
	}
}

func TestSpoolOwnErrors(t *testing.T) {
	for _, owner := range []string{"", "1", "a:b", "1:", ":1", "-1:1", "1:-1", "1:4294967295"} {
		got := ctl(t, "", nil, "spool", "own", "-d", t.TempDir(), "--owner", owner)
		assert.Equal(t, exitError, got.code)
		assert.Contains(t, got.err, "use two numbers, as in 65532:65532")
	}
	got := ctl(t, "", nil, "spool", "own", "-d", "", "--owner", "1:1")
	assert.Contains(t, got.err, "--directory must not be empty")
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

func fillSpool(t *testing.T, dir string) *spool.Spool {
	t.Helper()
	sp, err := spool.Open(dir, spool.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, sp.Close()) })
	for _, id := range []spool.LaneID{{Topic: "events", Partition: 3}, {Topic: "dlq", Partition: spool.AnyPartition}, {Partition: spool.AnyPartition}} {
		_, err = sp.Append(id, []spool.Entry{{Topic: "events", Value: []byte("secret-1")}, {Topic: "events", Value: []byte("secret-2")}})
		require.NoError(t, err)
	}
	require.NoError(t, sp.SetMark(map[string]string{"mode": "durable"}))
	return sp
}

func TestSpoolStatus(t *testing.T) {
	dir := t.TempDir()
	sp := fillSpool(t, dir)
	env := map[string]string{envSpoolDirectory: dir}
	got := ctl(t, "", env, "spool", "status")
	assert.Equal(t, exitOK, got.code)
	assert.Empty(t, got.err)
	for _, want := range []string{
		"in use:   by a running collector\n", "events:   6, 0.0 MiB on disk\n", "oldest:   2", "damaged:  nothing\n",
		"(exactly-once)  all        2", "dlq             all        2", "events          3          2",
	} {
		assert.Contains(t, got.out, want)
	}
	assert.NotContains(t, got.out, "secret")

	require.NoError(t, sp.Close())
	got = ctl(t, "", nil, "spool", "status", "--directory", dir, "--output", "json")
	assert.Equal(t, exitOK, got.code)
	var report spoolReport
	require.NoError(t, json.Unmarshal([]byte(got.out), &report))
	assert.False(t, report.InUse)
	assert.Equal(t, 6, report.Entries)
	assert.Equal(t, map[string]string{"mode": "durable"}, report.Marks)
	require.Len(t, report.Lanes, 3)
	assert.Equal(t, "dlq", report.Lanes[1].Topic)

	require.NoError(t, os.RemoveAll(filepath.Join(dir, "lanes")))
	got = ctl(t, "", env, "spool", "status")
	assert.Equal(t, outcome{exitOK, "in use:   by no process\nevents:   0, 0.0 MiB on disk\ndamaged:  nothing\n", ""}, got)
}

func TestSpoolVerify(t *testing.T) {
	dir := t.TempDir()
	sp := fillSpool(t, dir)
	require.NoError(t, sp.Close())
	got := ctl(t, "", nil, "spool", "verify", "-d", dir)
	assert.Equal(t, outcome{exitOK, "checked 6 events, damaged: nothing\n", ""}, got)

	path := filepath.Join(dir, "lanes", "events", "3", "00000000000000000001.log")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	text[bytes.Index(text, []byte("secret-1"))] = 'X'
	require.NoError(t, os.WriteFile(path, text, 0o600))
	for range 2 { // it changes nothing
		got = ctl(t, "", nil, "spool", "verify", "-d", dir)
		assert.Equal(t, exitRejected, got.code)
		assert.Equal(t, "checked 5 events, damaged: 1 piece\n\n"+path+", 66 bytes at 64: does not read back as it was written\n  events lost: 1\n", got.out)
	}

	// A collector that starts sets it aside.
	sp, err = spool.Open(dir, spool.Options{})
	require.NoError(t, err)
	require.NoError(t, sp.Close())
	got = ctl(t, "", nil, "spool", "verify", "-d", dir)
	assert.Equal(t, exitRejected, got.code)
	assert.Contains(t, got.out, "damaged: 1 piece\n")
	assert.Contains(t, got.out, "  copy: "+filepath.Join(dir, "damaged"))
	got = ctl(t, "", nil, "spool", "verify", "-d", dir, "-o", "json")
	assert.Equal(t, exitRejected, got.code)
	var report spoolReport
	require.NoError(t, json.Unmarshal([]byte(got.out), &report))
	assert.Equal(t, 1, report.Damaged)
	assert.Equal(t, 5, *report.Checked)
	require.Len(t, report.Damage, 1)
	assert.Equal(t, 1, report.Damage[0].Entries)
	assert.NotContains(t, got.out, "secret")
}

func TestSpoolErrors(t *testing.T) {
	dir := t.TempDir()
	for want, args := range map[string][]string{
		`there is no command "spool x"`:              {"spool", "x"},
		"feedbackctl spool status takes no argument": {"spool", "status", "x"},
		"--directory must not be empty":              {"spool", "verify", "-d", ""},
		`--output "xml": use text or json`:           {"spool", "status", "-d", dir, "-o", "xml"},
		"no such file or directory":                  {"spool", "verify", "-d", filepath.Join(dir, "none")},
	} {
		got := ctl(t, "", nil, args...)
		assert.Equal(t, exitError, got.code, want)
		assert.Empty(t, got.out)
		assert.Contains(t, got.err, want)
	}
}

func TestSpoolHelp(t *testing.T) {
	for _, name := range []string{"status", "verify", "wait", "drain", "own"} {
		got := ctl(t, "", nil, "spool", name, "--help")
		assert.Equal(t, exitOK, got.code)
		golden(t, "spool."+name+".help.txt", got.out)
	}
}

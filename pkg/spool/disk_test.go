// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDiskFull(t *testing.T) {
	dir, d := t.TempDir(), newFaultyDisk(t)
	s := open(t, dir, Options{Fsync: true, disk: &d.disk})
	d.room = 500
	n := 0
	for {
		_, err := s.Append(events, entries(n, 1))
		if err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			require.ErrorContains(t, err, "spool directory "+dir)
			assert.NotContains(t, err.Error(), fmt.Sprintf("value %d", n))
			break
		}
		n++
	}
	require.Positive(t, n)
	bytes := s.Stats().Bytes
	_, err := s.Append(LaneID{"other", 0}, entries(0, 1))
	require.ErrorIs(t, err, syscall.ENOSPC)
	assert.Equal(t, bytes, s.Stats().Bytes, "what failed costs nothing")
	require.NoError(t, s.Sync(t.Context()), "what is there is safe")
	require.Error(t, s.Done(events, 1))
	assert.Equal(t, texts(1, n-1), values(t, s, events), "done all the same")

	d.heal()
	_, err = s.Append(events, entries(n, 1))
	require.NoError(t, err)
	assert.Equal(t, texts(1, n), values(t, s, events))
	require.NoError(t, s.Close())
	s = open(t, dir, Options{})
	assert.Equal(t, texts(1, n), values(t, s, events), "the mark was written later")
	assert.Empty(t, s.Damage())
}

func TestSyncFails(t *testing.T) {
	dir, d := t.TempDir(), newFaultyDisk(t)
	s := open(t, dir, Options{Fsync: true, disk: &d.disk})
	_, err := s.Append(events, entries(0, 2))
	require.NoError(t, err)
	d.failSync = true
	require.ErrorIs(t, s.Sync(t.Context()), errIO)
	require.ErrorIs(t, s.Sync(t.Context()), errIO, "an fsync that failed is not believed the second time")
	_, err = s.Append(events, entries(2, 2))
	require.NoError(t, err)
	d.heal()
	require.NoError(t, s.Sync(t.Context()))
	files := logs(t, dir)
	require.Len(t, files, 2)
	for _, path := range files {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, info.Size(), d.kept[path], "written anew")
	}
	assert.Equal(t, texts(0, 4), values(t, s, events))
	require.NoError(t, s.Close())
	s = open(t, dir, Options{})
	assert.Equal(t, texts(0, 4), values(t, s, events))
	assert.Empty(t, s.Damage())
}

// TestSharedSyncs: those who wait at the same time share an fsync.
func TestSharedSyncs(t *testing.T) {
	d := newFaultyDisk(t)
	s := open(t, t.TempDir(), Options{Fsync: true, disk: &d.disk})
	const waiters, rounds = 64, 20
	var group sync.WaitGroup
	for w := range waiters {
		id := LaneID{"events", int32(w % 4)}
		group.Go(func() {
			for i := range rounds {
				p, err := s.Append(id, entries(i, 1))
				if assert.NoError(t, err) && assert.NoError(t, s.Sync(t.Context())) {
					d.mu.Lock()
					kept := d.kept[s.find(id).segments[0].path]
					d.mu.Unlock()
					assert.Positive(t, kept)
				}
				if i%2 == 0 {
					assert.NoError(t, s.Done(id, p))
				}
			}
		})
	}
	group.Go(func() {
		for range 50 {
			for _, id := range s.Lanes() {
				got, err := s.Read(id, 0, 100, 0)
				assert.NoError(t, err)
				for i := 1; i < len(got); i++ {
					assert.Greater(t, got[i].Position, got[i-1].Position)
				}
			}
			_ = s.Stats()
		}
	})
	group.Wait()
	assert.Equal(t, waiters*rounds/2, s.Stats().Entries)
	assert.Less(t, d.syncs, waiters*rounds)
}

// TestProcesses: another process has the spool, and is killed.
func TestProcesses(t *testing.T) {
	if dir := os.Getenv("SPOOL_TEST_DIR"); dir != "" {
		s, err := Open(dir, Options{Fsync: true})
		require.NoError(t, err)
		_, err = s.Append(events, entries(0, 3))
		require.NoError(t, err)
		require.NoError(t, s.Sync(t.Context()))
		_, _ = io.WriteString(os.Stdout, "ready\n")
		_, _ = io.Copy(io.Discard, os.Stdin) // until killed
		return
	}
	dir := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestProcesses$")
	cmd.Env = append(os.Environ(), "SPOOL_TEST_DIR="+dir)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	defer func() { _ = stdin.Close() }()
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)

	_, err = Open(dir, Options{})
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	s := open(t, dir, Options{})
	assert.Equal(t, texts(0, 3), values(t, s, events))
	assert.Empty(t, s.Damage())
}

// TestPatience: who only looks whether the lock is free is waited for.
func TestPatience(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, open(t, dir, Options{}).Close())
	f, err := openLock(dir+"/"+lockName, false)
	require.NoError(t, err)
	taken, err := lockFile(f)
	require.NoError(t, err)
	require.True(t, taken)
	free := time.AfterFunc(lockPatience/4, func() { _ = f.Close() })
	defer free.Stop()
	open(t, dir, Options{})
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/proxy"
)

// damage stores events, stops the collectors, does something to the largest
// files of their spools, and starts them again.
func damage(do func(t *testing.T, file string)) func(s *scenario) {
	return func(s *scenario) {
		s.gates.Set(proxy.Conditions{Refuse: true})
		s.pause(pick(s.world, 5*time.Second, 20*time.Second))
		s.each(func(sub *subject) {
			sub.stop(s.t)
			file := largest(s.t, sub.spool())
			do(s.t, file)
			sub.start(s.t)
			sub.awaitReady(s.t)
		})
		s.gates.Set(proxy.Conditions{})
		s.pause(time.Second)
	}
}

// largest is the largest file below a directory.
func largest(t *testing.T, dir string) string {
	t.Helper()
	var file string
	var size int64
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > size {
			file, size = path, info.Size()
		}
		return err
	}))
	require.Greater(t, size, int64(2000), "the spool in %s holds next to nothing", dir)
	return file
}

// truncate cuts the end of a file off, amid a record.
func truncate(t *testing.T, file string) {
	t.Helper()
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(file, info.Size()-cutBytes))
}

// cutBytes are so few that they are parts of two records at most.
const cutBytes = 150

// flips is how many bytes are turned over.
const flips = 3

// flip turns bytes over in the middle of a file.
func flip(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for range flips {
		text[len(text)/4+rand.IntN(len(text)/2)] ^= 0x55
	}
	require.NoError(t, os.WriteFile(file, text, 0o600))
}

// damaged allows for the records that were destroyed. In exactly-once mode a
// request that has lost one may be set aside whole.
func damaged(mode string) allowance {
	a := mayRepeat(mode)
	a.lost, a.parts = 2*flips, flips
	if mode == exactlyOnce {
		a.lost = 5 * flips
	}
	return a
}

// saysDamaged: the log names the damage.
func saysDamaged(_ *scenario, t *testing.T, sub *subject) {
	said := false
	for line := range strings.Lines(sub.collector.Log()) {
		said = said || strings.Contains(line, "damage") && strings.Contains(line, sub.spool())
	}
	assert.True(t, said, "no line of the log names the damage")
}

// tinyVolume puts each spool on a file system of its own with 8 MiB.
func tinyVolume(s *scenario) {
	for _, sub := range s.subjects {
		require.NoError(s.t, os.Mkdir(sub.spool(), 0o700))
		if err := syscall.Mount("tmpfs", sub.spool(), "tmpfs", 0, "size=8m,mode=0700"); err != nil {
			s.t.Skipf("no file system of its own for the spool: %v", err)
		}
		s.t.Cleanup(func() {
			sub.end(s.t) // it holds the directory
			assert.NoError(s.t, syscall.Unmount(sub.spool(), 0))
		})
	}
	s.startAll()
}

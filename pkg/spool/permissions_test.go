// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package spool

import (
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Nobody but the owner reads what is stored, however generous the process is
// with rights otherwise.
func TestFilesAreTheOwnersAlone(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	dir := filepath.Join(t.TempDir(), "new", "spool")
	s, err := Open(dir, Options{SegmentBytes: minSegmentBytes, Fsync: true})
	require.NoError(t, err)
	defer func() { assert.NoError(t, s.Close()) }()
	_, err = s.Append(LaneID{Topic: "t", Partition: 1}, []Entry{{Topic: "t", Partition: 1, Value: []byte("v")}})
	require.NoError(t, err)
	require.NoError(t, s.Sync(t.Context()))
	require.NoError(t, s.SetMark(map[string]string{"a": "b"}))

	files := 0
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		assert.Zero(t, info.Mode().Perm()&0o077, "%s: %v", path, info.Mode())
		if d.Type().IsRegular() {
			files++
		}
		return nil
	}))
	assert.GreaterOrEqual(t, files, 2)
}

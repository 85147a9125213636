// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

var errIO = errors.New("input/output error")

// faultyDisk is a disk that remembers what it was asked to keep, and fails when
// told to. It does not wait for the real one.
type faultyDisk struct {
	disk

	mu       sync.Mutex
	kept     map[string]int64 // bytes of each file that survive a power failure
	names    map[string]bool  // names that do
	grave    string           // where deleted files go
	buried   map[string]string
	syncs    int
	room     int64 // bytes that can still be written; negative: no bound
	failSync bool
	failCut  bool
}

func newFaultyDisk(t *testing.T) *faultyDisk {
	d := &faultyDisk{kept: map[string]int64{}, names: map[string]bool{}, buried: map[string]string{}, grave: t.TempDir(), room: -1}
	under := osDisk()
	wrap := func(open func(string) (file, error)) func(string) (file, error) {
		return func(path string) (file, error) {
			f, err := open(path)
			if err != nil {
				return nil, err
			}
			return &faultyFile{file: f, path: path, disk: d}, nil
		}
	}
	d.disk = disk{
		create: wrap(under.create), edit: wrap(under.edit), open: under.open,
		remove: func(path string) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			buried := filepath.Join(d.grave, strings.ReplaceAll(path, "/", "!"))
			_ = os.Remove(buried)
			if err := os.Rename(path, buried); err != nil {
				return err
			}
			if d.names[path] {
				d.buried[path] = buried
			}
			return nil
		},
		rename: func(from, to string) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.kept[to] = d.kept[from]
			return os.Rename(from, to)
		},
		syncDir: func(path string) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.failSync {
				return errIO
			}
			children, err := os.ReadDir(path)
			for _, c := range children {
				d.names[filepath.Join(path, c.Name())] = true
			}
			for gone := range d.buried {
				if filepath.Dir(gone) == path {
					delete(d.buried, gone)
				}
			}
			return err
		},
	}
	return d
}

type faultyFile struct {
	file
	path string
	disk *faultyDisk
}

func (f *faultyFile) WriteAt(b []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.room >= 0 && int64(len(b)) > f.disk.room {
		n, err := f.file.WriteAt(b[:f.disk.room], at)
		f.disk.room = 0
		return n, errors.Join(err, &fs.PathError{Op: "write", Path: f.path, Err: syscall.ENOSPC})
	}
	if f.disk.room >= 0 {
		f.disk.room -= int64(len(b))
	}
	return f.file.WriteAt(b, at)
}

func (f *faultyFile) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.failCut {
		return errIO
	}
	return f.file.Truncate(size)
}

func (f *faultyFile) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.syncs++
	if f.disk.failSync {
		return errIO
	}
	info, err := f.file.(*os.File).Stat()
	if err == nil {
		f.disk.kept[f.path] = info.Size()
	}
	return err
}

// image copies a spool as it is found after its process was killed or, with
// power, after the machine lost power: of what was not synced any part may be
// missing, and deleted files may be back.
func (d *faultyDisk) image(t *testing.T, rng *rand.Rand, dir string, power bool) string {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	to := t.TempDir()
	missing := func(path string) bool {
		return power && strings.HasPrefix(path, filepath.Join(dir, lanesName)) && !d.names[path] && rng.IntN(2) == 0
	}
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != dir && missing(path) {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		target := filepath.Join(to, strings.TrimPrefix(path, dir))
		if e.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		return d.copyFile(rng, path, path, target, power)
	}))
	for _, path := range slices.Sorted(maps.Keys(d.buried)) { // so that a seed gives the same run
		buried := d.buried[path]
		target := filepath.Join(to, strings.TrimPrefix(path, dir))
		_, taken := os.Stat(target)
		_, parent := os.Stat(filepath.Dir(target))
		if power && taken != nil && parent == nil && rng.IntN(2) == 0 {
			require.NoError(t, d.copyFile(rng, path, buried, target, power))
		}
	}
	return to
}

func (d *faultyDisk) copyFile(rng *rand.Rand, path, from, to string, power bool) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if power && strings.Contains(path, lanesName) {
		kept := min(int(d.kept[path]), len(text))
		n := kept + rng.IntN(len(text)-kept+1)
		if rng.IntN(4) == 0 { // the size got there, the bytes did not
			clear(text[n:])
		} else {
			text = text[:n]
		}
	}
	return os.WriteFile(to, text, 0o600)
}

// heal ends all failing.
func (d *faultyDisk) heal() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room, d.failSync, d.failCut = -1, false, false
}

// adopt takes what lies in a directory for safe.
func (d *faultyDisk) adopt(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for p := dir; len(p) > 1; p = filepath.Dir(p) {
		d.names[p] = true
	}
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		d.names[path] = true
		if info, err := e.Info(); err == nil && !e.IsDir() {
			d.kept[path] = info.Size()
		}
		return nil
	})
}

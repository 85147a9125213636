// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !darwin && !dragonfly && !freebsd && !linux && !netbsd && !openbsd

package spool

import (
	"errors"
	"io/fs"
	"os"
)

// Where there is no flock, the lock is the file itself: one left by a process
// that was killed must be removed by hand.
func lockFile(*os.File) (taken bool, err error) { return true, nil }

func openLock(path string, create bool) (*os.File, error) {
	if !create {
		return os.Open(path)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, filePerm)
	if errors.Is(err, fs.ErrExist) {
		return nil, ErrLocked
	}
	return f, err
}

func unlock(f *os.File) error { return errors.Join(f.Close(), os.Remove(f.Name())) }

// syncDir: names are durable with the files here, or cannot be made so.
func syncDir(string) error { return nil }

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"io"
	"os"
)

// Whoever may read the spool reads events.
const (
	filePerm = 0o600
	dirPerm  = 0o700
)

// file is what the spool does with an open file; tests put faults in between.
type file interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
	Truncate(size int64) error
	Close() error
}

// disk is what the spool does with names.
type disk struct {
	create  func(path string) (file, error) // for writing, must not exist
	edit    func(path string) (file, error) // for writing, exists or not
	open    func(path string) (file, error) // for reading
	remove  func(path string) error
	rename  func(from, to string) error
	syncDir func(path string) error
}

func osDisk() *disk {
	open := func(flags int) func(string) (file, error) {
		return func(path string) (file, error) {
			f, err := os.OpenFile(path, flags, filePerm)
			if err != nil {
				return nil, err // not a typed nil
			}
			return f, nil
		}
	}
	return &disk{
		create:  open(os.O_RDWR | os.O_CREATE | os.O_EXCL),
		edit:    open(os.O_RDWR | os.O_CREATE),
		open:    open(os.O_RDONLY),
		remove:  os.Remove,
		rename:  os.Rename,
		syncDir: syncDir,
	}
}

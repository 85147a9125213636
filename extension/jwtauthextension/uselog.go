// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package jwtauthextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/jwtauthextension"

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	useLogName  = "presigned-uses"
	useLockName = useLogName + ".lock"

	// useLogMagic names the file's format and its version.
	useLogMagic = "fbuses01"
	// changeSize is that of a record: id, expiry, uses, CRC32C.
	changeSize = 16 + 8 + 4 + 4
	// minRewrite is how many records there are before the file is written anew.
	minRewrite = 1 << 16
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)

	errUseLogClosed = errors.New("it was closed")
	errUseLogLocked = errors.New("another process uses it")
)

// change is one record: uses taken, or given back.
type change struct {
	id      tokenID
	expires int64
	n       int32
}

func (c change) appendTo(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, c.id[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(c.expires))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(c.n))
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

func readChange(b []byte) (c change, ok bool) {
	body := b[:changeSize-4]
	if binary.LittleEndian.Uint32(b[changeSize-4:]) != crc32.Checksum(body, castagnoli) {
		return c, false
	}
	copy(c.id[:], body)
	c.expires = int64(binary.LittleEndian.Uint64(body[16:]))
	c.n = int32(binary.LittleEndian.Uint32(body[24:]))
	return c, true
}

// useLog is a file to which changes are appended. Each is with the system before
// the use is granted, so the end of the process takes none back; they are synced
// when the file is written anew and at the end, so a power cut may.
type useLog struct {
	directory string
	lock      *os.File
	file      *os.File // nil: to be written anew before anything else
	records   int      // in file
	closed    bool
	buf       []byte
}

// openUseLog makes the directory and takes its lock.
func openUseLog(directory string) (*useLog, error) {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(directory, useLockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if taken, err := lockFile(lock); err != nil || !taken {
		if err == nil {
			err = errUseLogLocked
		}
		return nil, errors.Join(fmt.Errorf("%s: %w", directory, err), lock.Close())
	}
	return &useLog{directory: directory, lock: lock}, nil
}

func (l *useLog) path() string { return filepath.Join(l.directory, useLogName) }

// load reads all records and returns how many could not be. A record that was
// being written when the process ended is not among these: its use was not
// granted.
func (l *useLog) load(take func(change)) (damaged int, err error) {
	f, err := os.Open(l.path())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // it was only read
	r := bufio.NewReader(f)
	var b [changeSize]byte
	magic := b[:len(useLogMagic)]
	switch _, err := io.ReadFull(r, magic); {
	case errors.Is(err, io.EOF):
		return 0, nil
	case err != nil || string(magic) != useLogMagic:
		return 0, fmt.Errorf("%s is no list of uses that this version knows; it can be deleted if no presigned token is about", l.path())
	}
	for {
		_, err := io.ReadFull(r, b[:])
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return damaged, nil
		}
		if err != nil {
			return damaged, err
		}
		if c, ok := readChange(b[:]); ok {
			take(c)
		} else {
			damaged++
		}
	}
}

// append writes a change; live is what a file that is written anew must hold.
func (l *useLog) append(c change, live byExpiry) error {
	if l.closed {
		return errUseLogClosed
	}
	if l.file == nil || l.records >= minRewrite && l.records >= 2*len(live) {
		if err := l.rewrite(live); err != nil {
			return err
		}
	}
	l.buf = c.appendTo(l.buf[:0])
	if _, err := l.file.Write(l.buf); err != nil {
		// Part of it may be there: the rest of the file would be out of step.
		_ = l.file.Close()
		l.file = nil
		return err
	}
	l.records++
	return nil
}

// rewrite makes a file of the live tokens alone and puts it in place.
func (l *useLog) rewrite(live byExpiry) (err error) {
	temporary := l.path() + ".new"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // the first error is the one to tell
		}
	}()
	w := bufio.NewWriter(f)
	_, _ = w.WriteString(useLogMagic) // Flush tells
	for _, u := range live {
		l.buf = change{u.id, u.expires, u.taken}.appendTo(l.buf[:0])
		_, _ = w.Write(l.buf)
	}
	if err := errors.Join(w.Flush(), f.Sync()); err != nil {
		return err
	}
	if err := os.Rename(temporary, l.path()); err != nil {
		return err
	}
	if l.file != nil {
		_ = l.file.Close() // nothing of it is needed any more
	}
	l.file, l.records = f, len(live)
	return syncDir(l.directory)
}

func (l *useLog) close() error {
	if l.closed {
		return nil
	}
	l.closed = true
	var errs []error
	if l.file != nil {
		errs = append(errs, l.file.Sync(), l.file.Close())
	}
	return errors.Join(append(errs, l.lock.Close())...)
}

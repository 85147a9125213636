// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"go.uber.org/zap"
)

const (
	// maxDamages bounds the list kept in memory, maxDamagedBytes what is kept on
	// disk: a disk that dies must not fill what is left of it.
	maxDamages      = 1000
	maxDamagedBytes = 64 << 20
)

// Damage is a piece of a file that is not as it was written.
type Damage struct {
	Lane   LaneID
	Path   string // of the file it was found in
	Offset int64
	Bytes  int64
	// Entries that are lost by it; 0 when that cannot be told, or none is.
	Entries int
	Reason  string
	// Kept is the file it was copied to; empty if it was not.
	Kept string
}

// damageLog knows what was found.
type damageLog struct {
	mu    sync.Mutex // guards all below
	found []Damage
	count int   // found and not kept, and those kept, now or earlier
	bytes int64 // kept
}

func (d *damageLog) total() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

func (d *damageLog) list(piece *Damage) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.found) < maxDamages {
		d.found = append(d.found, *piece)
	}
}

// Damage lists what was found damaged since Open, the first 1,000 pieces. What
// an earlier run found and set aside is in it only if the spool was opened
// read-only and the damaged file is still there.
func (s *Spool) Damage() []Damage {
	s.damage.mu.Lock()
	defer s.damage.mu.Unlock()
	return append([]Damage(nil), s.damage.found...)
}

// countKept counts what earlier runs set aside.
func (s *Spool) countKept() error {
	files, err := os.ReadDir(s.path(damagedName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, f := range files {
		if info, err := f.Info(); err == nil && info.Mode().IsRegular() {
			s.damage.count++
			s.damage.bytes += info.Size()
		}
	}
	return nil
}

// setAside copies a damaged piece to the directory "damaged" and reports it. A
// piece that lies there already is known. It says whether the piece is safe.
func (s *Spool) setAside(d *Damage, src io.ReaderAt) bool {
	known, err := s.keep(d, src)
	if err != nil {
		s.log.Error("Cannot set a damaged piece of the spool aside", zap.String("file", d.Path), zap.Error(err))
	}
	if !known {
		s.noteDamage(d)
	} else if s.options.ReadOnly { // counted already
		s.damage.list(d)
	}
	return d.Kept != "" || d.Bytes == 0
}

// keep writes the copy. Known is what lies there already, from an earlier run.
func (s *Spool) keep(d *Damage, src io.ReaderAt) (known bool, err error) {
	if d.Bytes > maxDamagedBytes {
		return false, fmt.Errorf("it has %d bytes", d.Bytes)
	}
	text := make([]byte, d.Bytes)
	n, err := src.ReadAt(text, d.Offset)
	if err == nil || errors.Is(err, io.EOF) {
		text = text[:n] // else what could not be read is zeros
	}
	path := s.path(filepath.Join(damagedName, damageName(d, text)))
	if _, err := os.Stat(path); err == nil {
		d.Kept = path
		return true, nil
	}
	if s.options.ReadOnly || d.Bytes == 0 {
		return false, nil
	}
	s.damage.mu.Lock()
	full := s.damage.bytes+d.Bytes > maxDamagedBytes
	if !full {
		s.damage.bytes += d.Bytes
	}
	s.damage.mu.Unlock()
	if full {
		return false, fmt.Errorf("%s holds its %d MiB already", s.path(damagedName), maxDamagedBytes>>20)
	}
	if err := os.MkdirAll(filepath.Dir(path), dirPerm); err != nil {
		return false, err
	}
	if err := writeWhole(path, text, s.options.Fsync); err != nil {
		return false, err
	}
	d.Kept = path
	return false, nil
}

// noteDamage counts and reports.
func (s *Spool) noteDamage(d *Damage) {
	s.damage.mu.Lock()
	s.damage.count++
	s.damage.mu.Unlock()
	s.damage.list(d)
	s.log.Error("The spool is damaged; going on with what can be read",
		zap.String("topic", d.Lane.Topic), zap.Int32("partition", d.Lane.Partition), zap.String("file", d.Path),
		zap.Int64("offset", d.Offset), zap.Int64("bytes", d.Bytes), zap.Int("entries", d.Entries),
		zap.String("reason", d.Reason), zap.String("kept", d.Kept))
}

// damageName has the content in it: the same name is the same piece.
func damageName(d *Damage, text []byte) string {
	partition := filepath.Base(filepath.Dir(d.Path))
	topic := escapeTopic(d.Lane.Topic)
	base := strings.TrimSuffix(filepath.Base(d.Path), logSuffix)
	return fmt.Sprintf("%.120s@%s-%s-%d-%08x.bin", topic, partition, base, d.Offset, crc32.Checksum(text, castagnoli))
}

// writeWhole writes a small file so that it is there whole or not at all, and
// with flush waits for the disk.
func writeWhole(path string, text []byte, flush bool) (err error) {
	temporary := path + ".tmp"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, filePerm)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil && flush {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		_ = os.Remove(temporary)
		return err
	}
	if !flush {
		return nil
	}
	return syncDir(filepath.Dir(path))
}

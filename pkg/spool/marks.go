// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"sync"

	"go.uber.org/zap"
)

// The marks are written twice, one after the other, so that one copy is whole at
// any moment, and damage of one loses nothing.
var markNames = [...]string{"marks.json", "marks-copy.json"}

// marks are the small values beside the lanes.
type marks struct {
	mu         sync.Mutex // guards all below
	generation uint64
	values     map[string]string
}

// marksFile is a copy as it lies on disk.
type marksFile struct {
	Version    int               `json:"version"`
	Generation uint64            `json:"generation"`
	CRC32C     uint32            `json:"crc32c"` // of the file with 0 in its place
	Values     map[string]string `json:"values"`
}

func (m marksFile) encode() ([]byte, error) {
	m.CRC32C = 0
	text, err := json.Marshal(m) // sorted by key
	if err != nil {
		return nil, err
	}
	m.CRC32C = crc32.Checksum(text, castagnoli)
	return json.Marshal(m)
}

// decodeMarks reads one copy.
func decodeMarks(text []byte) (marksFile, error) {
	var m marksFile
	if err := json.Unmarshal(text, &m); err != nil {
		return m, err
	}
	again, err := m.encode()
	if err != nil {
		return m, err
	}
	if string(again) != string(text) {
		return m, errors.New("the checksum does not fit")
	}
	if m.Version != formatVersion {
		return m, fmt.Errorf("%w (%d)", errNewer, m.Version)
	}
	return m, nil
}

// readMarks takes the newer copy.
func (s *Spool) readMarks() error {
	s.marks.values = map[string]string{}
	var broken []string
	found := false
	for _, name := range markNames {
		text, err := os.ReadFile(s.path(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var m marksFile
		if err == nil {
			m, err = decodeMarks(text)
		}
		switch {
		case errors.Is(err, errNewer):
			return fmt.Errorf("%s: %w", s.path(name), err)
		case err != nil:
			broken = append(broken, name)
			s.log.Error("A copy of the spool's marks is damaged", zap.String("file", s.path(name)), zap.Error(err))
		case !found || m.Generation > s.marks.generation:
			found, s.marks.generation = true, m.Generation
			s.marks.values = map[string]string{}
			maps.Copy(s.marks.values, m.Values)
		}
	}
	for _, name := range broken {
		if !found {
			return fmt.Errorf("%s is damaged and has no whole copy: move it away to start without what it says", s.path(name))
		}
		s.noteDamage(&Damage{Path: s.path(name), Reason: "does not read back as it was written; its copy does"})
	}
	if len(broken) > 0 && !s.options.ReadOnly {
		return s.writeMarks(s.marks.generation, s.marks.values)
	}
	return nil
}

// Mark returns a copy of the small values kept beside the lanes.
func (s *Spool) Mark() map[string]string {
	s.marks.mu.Lock()
	defer s.marks.mu.Unlock()
	return maps.Clone(s.marks.values)
}

// SetMark sets the given values, an empty one deletes its key, and returns when
// they are on disk, whatever Options.Fsync says. Other keys keep their values.
func (s *Spool) SetMark(values map[string]string) error {
	if s.options.ReadOnly {
		return ErrReadOnly
	}
	s.mu.RLock()
	defer s.mu.RUnlock() // Close waits
	if s.closed {
		return ErrClosed
	}
	s.marks.mu.Lock()
	defer s.marks.mu.Unlock()
	merged := maps.Clone(s.marks.values)
	maps.Copy(merged, values)
	maps.DeleteFunc(merged, func(_, v string) bool { return v == "" })
	if err := s.writeMarks(s.marks.generation+1, merged); err != nil {
		return s.errorf("write its marks", err)
	}
	s.marks.generation++
	s.marks.values = merged
	return nil
}

func (s *Spool) writeMarks(generation uint64, values map[string]string) error {
	text, err := marksFile{Version: formatVersion, Generation: generation, Values: values}.encode()
	if err != nil {
		return err
	}
	for _, name := range markNames {
		if err := writeWhole(s.path(name), text, true); err != nil {
			return err
		}
	}
	return nil
}

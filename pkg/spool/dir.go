// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// What lies in the directory.
const (
	lockName    = "LOCK"
	cleanName   = "clean" // there only while the spool is closed in order
	lanesName   = "lanes"
	damagedName = "damaged"
)

// lockPatience is how long Open waits for a lock: somebody who looks at the
// spool read-only takes it for a moment to see whether it is free.
const (
	lockPatience = 300 * time.Millisecond
	lockInterval = 20 * time.Millisecond
)

// noTopic is the directory of the lane without a topic; no escaped name is this.
const noTopic = "%"

const anyPartition = "any"

// takeDir makes the directory and locks it.
func (s *Spool) takeDir() error {
	if s.options.ReadOnly {
		info, err := os.Stat(s.dir)
		if err == nil && !info.IsDir() {
			err = errors.New("it is no directory")
		}
		if err != nil {
			return s.errorf("open", err)
		}
		s.locked = lockHeld(s.path(lockName))
		return nil
	}
	_, missing := os.Stat(s.dir)
	if err := os.MkdirAll(s.dir, dirPerm); err != nil {
		return s.errorf("open", err)
	}
	if missing != nil {
		_ = s.disk.syncDir(filepath.Dir(s.dir)) // as far as we may
	}
	f, err := openLock(s.path(lockName), true)
	if err != nil {
		return s.errorf("lock", err)
	}
	for deadline := time.Now().Add(lockPatience); ; {
		taken, err := lockFile(f)
		switch {
		case taken:
			s.lock = f
			return nil
		case err == nil && time.Now().Before(deadline):
			<-time.After(lockInterval)
			continue
		case err == nil:
			err = ErrLocked
		}
		_ = f.Close()
		return s.errorf("open", err)
	}
}

// lockHeld says whether another process has the lock.
func lockHeld(path string) bool {
	f, err := openLock(path, false)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // which gives the lock free
	taken, err := lockFile(f)
	return err == nil && !taken
}

func (s *Spool) letGo() error {
	if s.lock == nil {
		return nil
	}
	f := s.lock
	s.lock = nil
	return unlock(f)
}

// laneDir is where a lane's files lie: lanes/<topic>/<partition>.
func (s *Spool) laneDir(id LaneID) (string, error) {
	topic, partition := escapeTopic(id.Topic), anyPartition
	if id.Partition >= 0 {
		partition = strconv.Itoa(int(id.Partition))
	}
	if len(topic) > 255 {
		return "", s.errorf("make a lane", errors.New("the topic's name is too long"))
	}
	return filepath.Join(s.dir, lanesName, topic, partition), nil
}

func parseLane(topic, partition string) (LaneID, bool) {
	id := LaneID{Partition: AnyPartition}
	if partition != anyPartition {
		n, err := strconv.ParseInt(partition, 10, 32)
		if err != nil || n < 0 || strconv.FormatInt(n, 10) != partition {
			return LaneID{}, false
		}
		id.Partition = int32(n)
	}
	if topic == noTopic {
		return id, true
	}
	name, err := url.PathUnescape(topic)
	if err != nil || name == "" || escapeTopic(name) != topic {
		return LaneID{}, false
	}
	id.Topic = name
	return id, true
}

// escapeTopic leaves the names that Kafka allows as they are.
func escapeTopic(topic string) string {
	if topic == "" {
		return noTopic
	}
	var b strings.Builder
	for i := range len(topic) {
		c := topic[i]
		plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.' && i > 0
		if plain {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// makeLaneDir makes a lane's directory; its name and those above it are durable
// with the next Sync.
func (s *Spool) makeLaneDir(dir string) error {
	if err := os.MkdirAll(dir, dirPerm); err != nil { //nolint:gosec // topics are escaped, the rest is the operator's
		return err
	}
	for range 3 { // topic, lanes, the spool itself
		dir = filepath.Dir(dir)
		s.syncer.touchDir(dir)
	}
	return nil
}

// takeClean says whether the spool was closed in order the last time, and that
// from now on it is not.
func (s *Spool) takeClean() (bool, error) {
	_, err := os.Stat(s.path(cleanName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || s.options.ReadOnly {
		return err == nil, err
	}
	if err = os.Remove(s.path(cleanName)); err == nil && s.options.Fsync {
		err = s.disk.syncDir(s.dir)
	}
	return true, err
}

// noteClean says that the spool was closed in order: from now on every end is
// where it should be.
func (s *Spool) noteClean() error {
	err := os.WriteFile(s.path(cleanName), nil, filePerm)
	if err == nil && s.options.Fsync {
		err = s.disk.syncDir(s.dir)
	}
	if err != nil {
		return s.errorf("close", err)
	}
	return nil
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package audit // import "github.com/otelcol-feedback/otelcol-feedback/internal/audit"

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// gatherFile is how many bytes of a request's entries go into one write.
	gatherFile = 32 << 10
	// lookInterval is how often a file is looked after that may have been moved.
	lookInterval = time.Second
	// reportInterval is how often a failing output is reported at most.
	reportInterval = 10 * time.Second
)

var errClosed = errors.New("the audit log is closed")

// output is where entries go.
type output struct {
	path   string // empty: a standard stream
	gather int    // bytes for one write; to a stream, which others write to, lines go one by one
	logger *zap.Logger

	mu       sync.Mutex // guards all below
	file     *os.File   // nil: not open
	closed   bool
	looked   time.Time // when path was last compared with file
	lost     int       // entries since the last report
	reported time.Time
}

func newOutput(where string, logger *zap.Logger) *output {
	o := &output{logger: logger}
	if where != outputStderr && where != outputStdout {
		o.path, o.gather = where, gatherFile
		return o
	}
	o.file = os.Stderr
	if where == outputStdout {
		o.file = os.Stdout
	}
	return o
}

func (o *output) open() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.path == "" {
		return nil
	}
	return o.openFile()
}

// openFile opens the file anew. mu is held.
func (o *output) openFile() error {
	file, err := os.OpenFile(o.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("audit::output: %w", err)
	}
	if o.file != nil {
		_ = o.file.Close() // nothing is buffered
	}
	o.file, o.looked = file, time.Now()
	return nil
}

// moved reports whether the path names another file by now, or none. mu is held.
func (o *output) moved() bool {
	now := time.Now()
	if now.Sub(o.looked) < lookInterval {
		return false
	}
	o.looked = now
	at, err := os.Stat(o.path)
	if err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	own, err := o.file.Stat()
	return err == nil && !os.SameFile(at, own)
}

// write appends whole lines. It waits for the operating system, not for a disk.
func (o *output) write(p []byte, lines int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.append(p); err != nil {
		o.lost += lines
		o.report(err)
	}
}

// append is write with mu held.
func (o *output) append(p []byte) error {
	if o.closed {
		return errClosed
	}
	if o.path != "" && (o.file == nil || o.moved()) {
		// A file that was moved away will do until another can be opened.
		if err := o.openFile(); err != nil && o.file == nil {
			return err
		}
	}
	_, err := o.file.Write(p)
	return err
}

// report says how many entries were lost. mu is held.
func (o *output) report(err error) {
	now := time.Now()
	if o.lost == 0 || now.Sub(o.reported) < reportInterval {
		return
	}
	o.logger.Error("Audit entries were lost: the audit log cannot be written", zap.Int("entries", o.lost), zap.Error(err))
	o.lost, o.reported = 0, now
}

func (o *output) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	if o.lost > 0 {
		o.reported = time.Time{}
		o.report(errClosed)
	}
	if o.path == "" || o.file == nil {
		return nil
	}
	err := o.file.Close()
	o.file = nil
	return err
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	progressDelay    = time.Second
	progressInterval = 250 * time.Millisecond
)

// Progress is a line on a terminal that is written over and over. What takes
// less than a second shows none.
type Progress struct {
	w       io.Writer
	now     func() time.Time
	started time.Time
	last    time.Time
	width   int
}

// NewProgress returns a progress line on w, or nil, on which every method does
// nothing, if w is no terminal.
func NewProgress(w io.Writer) *Progress {
	if !IsTerminal(w) {
		return nil
	}
	return newProgress(w, time.Now)
}

func newProgress(w io.Writer, now func() time.Time) *Progress {
	return &Progress{w: w, now: now, started: now()}
}

// Update writes the line anew if it is time to.
func (p *Progress) Update(text func(elapsed time.Duration) string) {
	if p == nil {
		return
	}
	now := p.now()
	if now.Sub(p.started) < progressDelay || now.Sub(p.last) < progressInterval {
		return
	}
	p.last = now
	line := text(now.Sub(p.started))
	pad := max(p.width-len(line), 0)
	p.width = len(line)
	fmt.Fprintf(p.w, "\r%s%s", line, strings.Repeat(" ", pad))
}

// Clear removes the line, so that something else can be written.
func (p *Progress) Clear() {
	if p == nil || p.width == 0 {
		return
	}
	fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.width))
	p.width = 0
}

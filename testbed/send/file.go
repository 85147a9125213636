// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package send

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
)

// File appends events to a file, one a line.
type File struct {
	Path string
	mu   sync.Mutex // keeps lines whole
}

// Send implements Sender. What is on disk counts as acknowledged: nobody says
// more.
func (f *File) Send(_ context.Context, batch []*events.Event) ([]Receipt, error) {
	var lines bytes.Buffer
	for _, e := range batch {
		lines.Write(e.JSON())
		lines.WriteByte('\n')
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	file, err := os.OpenFile(f.Path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = file.Write(lines.Bytes())
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	return receipts(batch), nil
}

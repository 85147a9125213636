// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package jwtauthextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/jwtauthextension"

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"
)

// maxKeyFile bounds a file of a secret or of PEM keys.
const maxKeyFile = 64 << 10

// reader turns a document into keys.
type reader func(data []byte) (*token.Keys, error)

// file is a source of keys that is read again now and then. Its time stamp would
// not tell a mounted secret that was swapped, so its bytes are compared.
type file struct {
	name  string // the configuration's key, for messages
	path  string
	limit int64
	read  reader
	last  []byte
}

// load returns new keys, or nil if the file is as it was.
func (f *file) load() (*token.Keys, error) {
	data, err := readBounded(f.path, f.limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	if f.last != nil && bytes.Equal(data, f.last) {
		return nil, nil
	}
	f.last = data
	keys, err := f.read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", f.name, f.path, err)
	}
	return keys, nil
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errors.New("the file is too large")
	}
	return data, err
}

// watch installs what changes until ctx ends. A file that cannot be read, or
// holds no keys, changes nothing: it may be half written.
func (f *file) watch(ctx context.Context, interval time.Duration, install func(*token.Keys), logger *zap.Logger) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var said string
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		keys, err := f.load()
		switch {
		case err != nil:
			if text := err.Error(); text != said {
				said = text
				logger.Error("The keys cannot be read again; those from before are used", zap.Error(err))
			}
		case keys != nil:
			said = ""
			install(keys)
			logger.Info("The keys have changed", zap.String("source", f.name), zap.Int("keys", keys.Len()))
		}
	}
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package embeddedkafkaextension

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

var errLocked = errors.New("another process uses it")

// dirLock keeps a second broker out of a directory. The system lets go of it
// when the process ends, however that happens.
type dirLock struct{ file *os.File }

func lockDirectory(dir string) (*dirLock, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return &dirLock{f}, nil
}

// release may be called on nil and twice.
func (l *dirLock) release() {
	if l != nil {
		_ = l.file.Close() // closing unlocks
	}
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package jwtauthextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/jwtauthextension"

import (
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/client"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"
)

// ring is a set of keys and what was verified with them: new keys start with an
// empty memory, so that a key that was withdrawn lets nobody in.
type ring struct {
	keys  *token.Keys
	stale atomic.Int64 // Unix nanoseconds after which nothing is verified; 0: never
	cache verified
}

func newRing(keys *token.Keys, cached int) *ring {
	return &ring{keys: keys, cache: verified{limit: cached, entries: make(map[[sha256.Size]byte]entry)}}
}

// good reports whether the keys may be used. It may be called on nil.
func (r *ring) good(now time.Time) bool {
	if r == nil {
		return false
	}
	stale := r.stale.Load()
	return stale == 0 || now.UnixNano() < stale
}

// verified remembers tokens by their hash, so that none lies in memory longer
// than its request.
type verified struct {
	limit   int
	mu      sync.RWMutex // guards entries
	entries map[[sha256.Size]byte]entry
}

type entry struct {
	auth    client.AuthData
	subject string
	until   time.Time
}

func (v *verified) get(hash [sha256.Size]byte, now time.Time) (entry, bool) {
	v.mu.RLock()
	e, ok := v.entries[hash]
	v.mu.RUnlock()
	return e, ok && now.Before(e.until)
}

// put makes room by forgetting any other: what is forgotten is verified again.
func (v *verified) put(hash [sha256.Size]byte, e entry) {
	if v.limit == 0 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, ok := v.entries[hash]; !ok && len(v.entries) >= v.limit {
		for other := range v.entries {
			delete(v.entries, other)
			break
		}
	}
	v.entries[hash] = e
}

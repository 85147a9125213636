// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package jwtauthextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/jwtauthextension"

import (
	"container/heap"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
)

var _ access.Counter = (*uses)(nil)

// tokenID is how a presigned token is known here, see access.Presigned.ID.
type tokenID [16]byte

// uses counts the uses of presigned tokens. A token is forgotten when it has
// expired, never before: a full table takes no further token.
type uses struct {
	limit  int
	logger *zap.Logger

	mu      sync.Mutex // guards all below
	tokens  map[tokenID]*use
	expires byExpiry
	log     *useLog // nil: nothing is kept over a restart
	said    string  // the last trouble that was logged
}

// use is one token that was used.
type use struct {
	id      tokenID
	taken   int32
	index   int32 // in expires
	expires int64 // Unix seconds
}

func newUses(limit int, logger *zap.Logger) *uses {
	return &uses{limit: limit, logger: logger, tokens: make(map[tokenID]*use)}
}

// Take implements access.Counter. What cannot be written down is not given.
func (t *uses) Take(id string, expires time.Time, limit, n int) bool {
	if n <= 0 {
		return true
	}
	now := time.Now()
	if n > limit || !now.Before(expires) {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(now)
	key := keyOf(id)
	u := t.tokens[key]
	if u != nil && int(u.taken)+n > limit {
		return false
	}
	if u == nil && len(t.tokens) >= t.limit {
		t.trouble("presigned::max_tokens presigned tokens are in use: further ones are refused until one expires", nil)
		return false
	}
	if u == nil {
		u = &use{id: key, expires: expires.Unix() + 1}
	}
	if !t.write(u, int32(n)) {
		return false
	}
	t.add(u, int32(n))
	return true
}

// Return implements access.Counter.
func (t *uses) Return(id string, n int) {
	if n <= 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.tokens[keyOf(id)]
	if u == nil {
		return // it has expired
	}
	back := min(int32(n), u.taken)
	if t.write(u, -back) {
		u.taken -= back
	}
}

func keyOf(id string) (key tokenID) {
	copy(key[:], id)
	return key
}

// add counts uses of a token, which may be new.
func (t *uses) add(u *use, n int32) {
	if _, ok := t.tokens[u.id]; !ok {
		t.tokens[u.id] = u
		heap.Push(&t.expires, u)
	}
	u.taken += n
}

// forget drops what has expired.
func (t *uses) forget(now time.Time) {
	for len(t.expires) > 0 && t.expires[0].expires <= now.Unix() {
		u := heap.Pop(&t.expires).(*use)
		delete(t.tokens, u.id)
	}
}

// write puts a change on disk, where there is one.
func (t *uses) write(u *use, n int32) bool {
	if t.log == nil {
		return true
	}
	err := t.log.append(change{id: u.id, expires: u.expires, n: n}, t.expires)
	if err != nil {
		t.trouble("The uses of presigned tokens cannot be written down: they are refused", err)
		return false
	}
	t.said = ""
	return true
}

// trouble logs what is wrong, once.
func (t *uses) trouble(text string, err error) {
	if t.said == text {
		return
	}
	t.said = text
	t.logger.Error(text, zap.Error(err))
}

// open reads what was counted before, and keeps it from now on.
func (t *uses) open(directory string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	log, err := openUseLog(directory)
	if err != nil {
		return err
	}
	t.log = log
	now := time.Now().Unix()
	damaged, err := log.load(func(c change) {
		if c.expires <= now {
			return
		}
		u := t.tokens[c.id]
		if u == nil {
			u = &use{id: c.id, expires: c.expires}
		}
		t.add(u, c.n)
	})
	if err != nil {
		return err
	}
	if damaged > 0 {
		t.logger.Warn("Uses of presigned tokens could not be read: these tokens may be used again",
			zap.String("file", log.path()), zap.Int("records", damaged))
	}
	return log.rewrite(t.expires)
}

func (t *uses) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.log == nil {
		return nil
	}
	return t.log.close() // and stays: what cannot be written is refused
}

// byExpiry is a heap, the first to expire on top.
type byExpiry []*use

func (h byExpiry) Len() int           { return len(h) }
func (h byExpiry) Less(i, j int) bool { return h[i].expires < h[j].expires }

func (h byExpiry) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = int32(i), int32(j)
}

func (h *byExpiry) Push(x any) {
	u := x.(*use)
	u.index = int32(len(*h))
	*h = append(*h, u)
}

func (h *byExpiry) Pop() any {
	old := *h
	last := len(old) - 1
	u := old[last]
	old[last] = nil
	*h = old[:last]
	return u
}

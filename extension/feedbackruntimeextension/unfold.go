// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"context"
	"time"
)

// largestUnfolding is how much one request may become, in multiples of the
// account's bytes. Between one and this many it is alone.
const largestUnfolding = 2

// Unfold counts what a request that is read becomes in memory when it is decoded:
// more than its text, three hundred times as much for the meanest. Without it a
// crowd of small requests that wait for room for their events would hold
// gigabytes. The function returned gives it back, once.
//
// It is counted beside the account, against the same bound of bytes: a request
// that holds bytes waits here for those that wait for events alone, so that all
// of them get on. The wait is part of the hold's. What can never fit gets
// [ErrTooLarge].
func (h *Hold) Unfold(ctx context.Context, bytes int64) (func(), error) {
	u := h.account.unfolding
	if bytes > largestUnfolding*u.maxBytes {
		return nil, ErrTooLarge
	}
	room := u.Open()
	room.waited = h.Waited()
	err := room.Grow(ctx, 0, min(bytes, u.maxBytes))
	h.setWaited(room.waited)
	if err != nil {
		return nil, err
	}
	return room.Release, nil
}

func (h *Hold) setWaited(d time.Duration) {
	h.account.mu.Lock()
	defer h.account.mu.Unlock()
	h.waited = d
}

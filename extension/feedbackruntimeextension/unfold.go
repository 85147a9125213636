// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import "context"

// largestUnfolding is how much one request may become, in multiples of the
// account's bytes. Between one and this many it is alone.
const largestUnfolding = 2

// Unfold counts what a request that is read becomes in memory when it is decoded:
// more than its text, three hundred times as much for the meanest. Without it a
// crowd of small requests that wait for room for their events would hold
// gigabytes. Release gives it back. It is called once for a hold.
//
// It is counted beside the account, against the same bound of bytes: a request
// that holds bytes waits here for those that wait for events alone, so that all
// of them get on. The wait is part of the hold's. What can never fit gets
// [ErrTooLarge].
func (h *Hold) Unfold(ctx context.Context, bytes int64) error {
	u := h.account.unfolding
	if bytes > largestUnfolding*u.maxBytes {
		return ErrTooLarge
	}
	room := u.Open()
	room.waited = h.Waited()
	if err := room.Grow(ctx, 0, min(bytes, u.maxBytes)); err != nil {
		return err
	}
	h.account.mu.Lock()
	defer h.account.mu.Unlock()
	h.waited, h.room = room.waited, room
	return nil
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
)

// The enqueue timeout is for a request, not for each place where it waits.
func TestWaitForRoomCountsForDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = 5 * time.Second
		account := feedbackruntimeextension.NewAccount(1, 1<<20, timeout)
		other, hold := account.Open(), account.Open()
		require.NoError(t, other.Grow(t.Context(), 1, 0))
		time.AfterFunc(3*time.Second, other.Release)
		began := time.Now()
		require.NoError(t, hold.Grow(t.Context(), 1, 0))
		assert.Equal(t, 3*time.Second, hold.Waited())

		e := &feedbackExporter{runtime: &testRuntime{enqueue: timeout}, expired: make(chan struct{})}
		ctx := feedbackruntimeextension.NewContext(context.Background(), hold)
		require.ErrorIs(t, e.await(ctx, newRequest(1)), errNotConfirmed)
		assert.Equal(t, timeout, time.Since(began))
	})
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// growLater calls Grow on a new hold in a goroutine of the bubble and returns
// once it waits or is done.
func growLater(ctx context.Context, a *Account, events int, bytes int64) (*Hold, <-chan error) {
	h := a.Open()
	done := make(chan error, 1)
	go func() { done <- h.Grow(ctx, events, bytes) }()
	synctest.Wait()
	return h, done
}

// pass lets the bubble's clock run on.
func pass(d time.Duration) { <-time.After(d) }

func pending(t *testing.T, done <-chan error) {
	t.Helper()
	select {
	case err := <-done:
		require.Fail(t, "must wait", "%v", err)
	default:
	}
}

func assertCounts(t *testing.T, a *Account, events int, bytes int64) {
	t.Helper()
	assert.Equal(t, events, a.Events(), "events")
	assert.Equal(t, bytes, a.Bytes(), "bytes")
}

func TestGrowAndRelease(t *testing.T) {
	a := NewAccount(10, 1000, time.Second)
	h := a.Open()
	require.NoError(t, h.Grow(t.Context(), 4, 100))
	require.NoError(t, h.Grow(t.Context(), 6, 900), "up to the brim")
	assertCounts(t, a, 10, 1000)
	assert.InDelta(t, 1, a.Utilization(), 0)
	h.Release()
	h.Release()
	assertCounts(t, a, 0, 0)
	require.NoError(t, h.Grow(t.Context(), 1, 1), "a released hold may be used again")
	h.Release()
	assertCounts(t, a, 0, 0)
}

func TestGrowLargerThanTheAccount(t *testing.T) {
	a := NewAccount(10, 1000, time.Second)
	for name, grow := range map[string]func(h *Hold) error{
		"events": func(h *Hold) error { return h.Grow(t.Context(), 11, 0) },
		"bytes":  func(h *Hold) error { return h.Grow(t.Context(), 0, 1001) },
		"in two steps": func(h *Hold) error {
			require.NoError(t, h.Grow(t.Context(), 6, 0))
			return h.Grow(t.Context(), 5, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := a.Open()
			defer h.Release()
			err := grow(h) // would hang the test if it waited: nobody releases
			require.ErrorIs(t, err, ErrTooLarge)
			require.ErrorIs(t, err, ErrFull)
		})
	}
	assertCounts(t, a, 0, 0)
}

func TestGrowWaitsInOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAccount(10, 1000, 5*time.Second)
		first := a.Open()
		require.NoError(t, first.Grow(t.Context(), 10, 10))

		large, largeDone := growLater(t.Context(), a, 8, 0)
		small, smallDone := growLater(t.Context(), a, 1, 0)
		pending(t, largeDone)
		pending(t, smallDone)

		a.Hand(first, 5, 10)
		a.Done(5, 10) // room for the small one, which came later
		synctest.Wait()
		pending(t, largeDone)
		pending(t, smallDone)

		first.Release()
		require.NoError(t, <-largeDone)
		require.NoError(t, <-smallDone)
		assertCounts(t, a, 9, 0)
		large.Release()
		small.Release()
		assertCounts(t, a, 0, 0)
	})
}

// A request whose body is read must get its events past bodies that wait for
// the bytes it holds; of those who ask for both, none is overtaken.
func TestOrderHoldsForWhatIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAccount(10, 1000, 5*time.Second)
		read := a.Open()
		require.NoError(t, read.Grow(t.Context(), 0, 1000))

		body, bodyDone := growLater(t.Context(), a, 0, 500)
		pending(t, bodyDone)
		require.NoError(t, read.Grow(t.Context(), 4, 0), "past the body")

		otlp, otlpDone := growLater(t.Context(), a, 2, 100)
		events, eventsDone := growLater(t.Context(), a, 1, 0)
		pending(t, otlpDone)
		pending(t, eventsDone) // behind otlp, which wants events too

		a.Hand(read, 0, 200)
		a.Done(0, 200) // enough for otlp, but the body came first
		synctest.Wait()
		pending(t, otlpDone)
		pending(t, eventsDone)

		read.Release()
		require.NoError(t, <-bodyDone)
		require.NoError(t, <-otlpDone)
		require.NoError(t, <-eventsDone)
		assertCounts(t, a, 3, 600)
		for _, h := range []*Hold{body, otlp, events} {
			h.Release()
		}
		assertCounts(t, a, 0, 0)
		assert.Zero(t, a.waiters.len)
	})
}

func TestBytesHaveRoomWhileEventsHaveNone(t *testing.T) {
	a := NewAccount(10, 1000, 5*time.Second)
	a.Hand(nil, 12, 0)
	h := a.Open()
	require.NoError(t, h.Grow(t.Context(), 0, 10))
	require.NoError(t, h.Grow(t.Context(), 0, 0), "nothing always fits")
	h.Release()
	a.Done(12, 0)
	assertCounts(t, a, 0, 0)
}

func TestGrowGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAccount(10, 1000, 5*time.Second)
		holder := a.Open()
		require.NoError(t, holder.Grow(t.Context(), 5, 0))

		began := time.Now()
		_, largeDone := growLater(t.Context(), a, 8, 0)
		pass(time.Second)
		small, smallDone := growLater(t.Context(), a, 1, 0)
		pending(t, smallDone)

		require.ErrorIs(t, <-largeDone, ErrFull)
		assert.Equal(t, 5*time.Second, time.Since(began))
		require.NoError(t, <-smallDone, "what stood in its way has left")
		assertCounts(t, a, 6, 0)
		small.Release()
		holder.Release()
		assertCounts(t, a, 0, 0)
	})
}

func TestGrowEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAccount(10, 1000, 5*time.Second)
		holder := a.Open()
		require.NoError(t, holder.Grow(t.Context(), 10, 0))

		ctx, cancel := context.WithCancel(t.Context())
		_, done := growLater(ctx, a, 1, 0)
		pending(t, done)
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		holder.Release()
		assertCounts(t, a, 0, 0)
		require.ErrorIs(t, a.Open().Grow(ctx, 1, 0), context.Canceled, "even with room")
	})
}

func TestOneTimeoutForAllPiecesOfARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAccount(10, 1000, 5*time.Second)
		blocker := a.Open()
		require.NoError(t, blocker.Grow(t.Context(), 0, 1000))

		h, done := growLater(t.Context(), a, 0, 10)
		pass(3 * time.Second)
		blocker.Release()
		require.NoError(t, <-done)

		require.NoError(t, blocker.Grow(t.Context(), 0, 990))
		began := time.Now()
		require.ErrorIs(t, h.Grow(t.Context(), 0, 10), ErrFull)
		assert.Equal(t, 2*time.Second, time.Since(began), "what is left of the timeout")
		require.ErrorIs(t, h.Grow(t.Context(), 0, 10), ErrFull)
		assert.Equal(t, 2*time.Second, time.Since(began), "nothing is left")
		h.Release()
		blocker.Release()
		assertCounts(t, a, 0, 0)
	})
}

func TestHandCountsOnce(t *testing.T) {
	a := NewAccount(10, 1000, time.Second)
	h := a.Open()
	require.NoError(t, h.Grow(t.Context(), 3, 300))

	a.Hand(h, 2, 200)
	assertCounts(t, a, 3, 300)
	h.Release()
	assertCounts(t, a, 2, 200)
	a.Hand(h, 1, 50) // nothing is left in it
	assertCounts(t, a, 3, 250)
	a.Hand(nil, 20, 2000) // never waits, may go over
	assertCounts(t, a, 23, 2250)
	assert.InDelta(t, 2.3, a.Utilization(), 1e-9)
	a.Done(23, 2250)
	assertCounts(t, a, 0, 0)

	require.NoError(t, h.Grow(t.Context(), 1, 10))
	a.Hand(h, 1, 25) // larger than it was admitted
	assertCounts(t, a, 1, 25)
	h.Release()
	a.Done(1, 25)
	assertCounts(t, a, 0, 0)
	a.Done(1, 1)
	assertCounts(t, a, 0, 0)
}

func TestHandLetsWaitersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAccount(10, 1000, 5*time.Second)
		h := a.Open()
		require.NoError(t, h.Grow(t.Context(), 10, 0))
		waiter, done := growLater(t.Context(), a, 10, 0)
		a.Hand(h, 10, 0)
		h.Release()
		synctest.Wait()
		pending(t, done)
		a.Done(10, 0)
		require.NoError(t, <-done)
		waiter.Release()
		assertCounts(t, a, 0, 0)
	})
}

// Whatever callers do, the account holds no less than nothing, no more than was
// admitted or handed over, and nothing in the end.
func TestAccountUnderLoad(t *testing.T) {
	const workers, rounds, capacity, maxBytes = 16, 300, 100, 10_000
	a := NewAccount(capacity, maxBytes, time.Millisecond)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 1))
			for range rounds {
				work(t.Context(), a, random)
				if events, bytes := a.Events(), a.Bytes(); events < 0 || bytes < 0 {
					assert.Fail(t, "negative", "%d events, %d bytes", events, bytes)
				}
			}
		})
	}
	wg.Wait()
	assertCounts(t, a, 0, 0)
	assert.Zero(t, a.waiters.len)
}

// work is one request: it grows, is partly handed over, is released, and what
// was handed over is done before or after.
func work(ctx context.Context, a *Account, random *rand.Rand) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(random.IntN(2000))*time.Microsecond)
	defer cancel()
	h := a.Open()
	for range random.IntN(4) {
		ask := random.IntN(3) // events, bytes or both
		_ = h.Grow(ctx, random.IntN(40)*min(1, ask), random.Int64N(4000)*int64(min(1, 2-ask)))
	}
	events, bytes := random.IntN(30), random.Int64N(3000)
	switch random.IntN(3) {
	case 0:
		a.Hand(h, events, bytes)
		a.Done(events, bytes)
		h.Release()
	case 1:
		a.Hand(h, events, bytes)
		h.Release()
		a.Done(events, bytes)
	default:
		h.Release()
		h.Release()
	}
}

// Without Hand the bounds hold at every moment.
func TestAccountNeverExceedsItsBounds(t *testing.T) {
	a := NewAccount(50, 5000, time.Millisecond)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 2))
			for range 300 {
				h := a.Open()
				_ = h.Grow(t.Context(), random.IntN(40), random.Int64N(4000))
				assert.LessOrEqual(t, a.Utilization(), 1.0)
				h.Release()
			}
		})
	}
	wg.Wait()
	assertCounts(t, a, 0, 0)
}

func TestHoldInContext(t *testing.T) {
	assert.Nil(t, FromContext(t.Context()))
	h := NewAccount(1, 1, time.Second).Open()
	assert.Same(t, h, FromContext(NewContext(t.Context(), h)))
}

func BenchmarkGrowHandRelease(b *testing.B) {
	a := NewAccount(10_000, 64<<20, time.Second)
	for b.Loop() {
		h := a.Open()
		if err := h.Grow(b.Context(), 100, 40_000); err != nil {
			b.Fatal(err)
		}
		a.Hand(h, 100, 50_000)
		h.Release()
		a.Done(100, 50_000)
	}
	if a.Events() != 0 || a.Bytes() != 0 {
		b.Fatalf("%d events, %d bytes left", a.Events(), a.Bytes())
	}
}

func TestUnfold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAccount(10, 100, time.Second)
		first, second := a.Open(), a.Open()
		require.NoError(t, first.Grow(t.Context(), 0, 60))
		require.NoError(t, first.Unfold(t.Context(), 200), "alone it may be larger")
		assert.Equal(t, int64(60), a.Bytes(), "it is counted beside the account")

		began := time.Now()
		require.ErrorIs(t, second.Unfold(t.Context(), 1), ErrFull)
		assert.Equal(t, time.Second, time.Since(began))
		require.ErrorIs(t, second.Unfold(t.Context(), 201), ErrTooLarge)

		waits := make(chan error, 1)
		go func() { waits <- second.Unfold(t.Context(), 50) }()
		synctest.Wait()
		time.Sleep(time.Second / 2)
		first.Release()
		first.Release()
		require.NoError(t, <-waits)
		assert.Equal(t, time.Second/2, second.Waited(), "the wait is the hold's")

		require.NoError(t, first.Unfold(t.Context(), 50), "released once")
		require.ErrorIs(t, a.Open().Unfold(t.Context(), 1), ErrFull)
		second.Release()
		require.NoError(t, a.Open().Unfold(t.Context(), 50))
	})
}

// Two that each wait for what the other holds would wait in vain.
func TestOneWaitsWithMuchHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAccount(10, 4*muchHeld, time.Second)
		first, second, small := a.Open(), a.Open(), a.Open()
		require.NoError(t, first.Grow(t.Context(), 0, 2*muchHeld))
		require.NoError(t, second.Grow(t.Context(), 0, 2*muchHeld))
		waits := make(chan error, 2)
		go func() { waits <- first.Grow(t.Context(), 0, muchHeld) }()
		synctest.Wait()
		require.ErrorIs(t, second.Grow(t.Context(), 0, muchHeld), ErrFull)
		go func() { waits <- small.Grow(t.Context(), 0, 1) }()
		synctest.Wait()
		second.Release()
		require.NoError(t, <-waits)
		require.NoError(t, <-waits)

		require.NoError(t, second.Grow(t.Context(), 0, muchHeld-1))
		require.ErrorIs(t, first.Grow(t.Context(), 0, muchHeld), ErrFull, "it may wait again")
		assert.Zero(t, a.waiters.greedy)
	})
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor

import (
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newTestLimiter(tb testing.TB, cfg RateLimitConfig) *limiter {
	tb.Helper()
	if cfg.MaxClients == 0 {
		cfg.MaxClients = 100
	}
	require.NoError(tb, cfg.Validate())
	l, err := newLimiter(&cfg)
	require.NoError(tb, err)
	return l
}

// takeFor takes n events for an authenticated client.
func (l *limiter) takeFor(id string, n int) (level, bool) {
	k, limit := l.ofClient(id)
	return l.take(k, limit, n)
}

func TestBucket(t *testing.T) {
	type step struct {
		after time.Duration
		n     int
		want  level
		ok    bool
	}
	second := time.Second
	for name, tt := range map[string]struct {
		rate, burst int
		steps       []step
	}{
		"one by one": {rate: 4, steps: []step{
			{n: 1, want: level{remaining: 3}, ok: true},
			{n: 1, want: level{remaining: 2}, ok: true},
			{n: 1, want: level{remaining: 1}, ok: true},
			{n: 1, want: level{wait: second / 4}, ok: true},
			{n: 1, want: level{wait: second / 4}},
			{after: second/4 - 1, n: 1, want: level{wait: 1}},
			{after: 1, n: 1, want: level{wait: second / 4}, ok: true},
			{after: 10 * second, n: 1, want: level{remaining: 3}, ok: true},
		}},
		"a large batch goes into debt, and the mean holds": {rate: 1000, steps: []step{
			{n: 10_000, want: level{wait: 9*second + time.Millisecond}, ok: true},
			{after: 9 * second, n: 1, want: level{wait: time.Millisecond}},
			{after: time.Millisecond, n: 10_000, want: level{wait: 10 * second}, ok: true},
		}},
		"a burst of its own": {rate: 1, burst: 3, steps: []step{
			{n: 2, want: level{remaining: 1}, ok: true},
			{n: 5, want: level{wait: 5 * second}, ok: true},
			{after: 4 * second, n: 1, want: level{wait: second}},
		}},
		"a burst of one": {rate: 1000, burst: 1, steps: []step{
			{n: 1, want: level{wait: time.Millisecond}, ok: true},
			{n: 1, want: level{wait: time.Millisecond}},
		}},
		"an interval of no whole number": {rate: 3, burst: 10, steps: []step{
			{n: 9, want: level{remaining: 1}, ok: true},
			{n: 1, want: level{wait: 333333333}, ok: true},
		}},
		"more than time can count": {rate: 1, steps: []step{
			{n: 1 << 50, want: level{wait: maxDebt}, ok: true},
			{after: maxDebt, n: 1, want: level{wait: second}, ok: true},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newTestLimiter(t, RateLimitConfig{EventsPerSecond: tt.rate, Burst: tt.burst})
				for i, s := range tt.steps {
					time.Sleep(s.after)
					got, ok := l.takeFor("app", s.n)
					require.Equal(t, s.ok, ok, "step %d", i)
					require.Equal(t, s.want, got, "step %d", i)
				}
				_, ok := l.takeFor("other", 1)
				assert.True(t, ok, "another client's bucket is its own")
			})
		})
	}
}

func TestMeanRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLimiter(t, RateLimitConfig{EventsPerSecond: 100})
		sent := 0
		for range 6_000 { // a minute, one try every ten milliseconds, of one to 250 events
			n := 1 + sent%250
			if _, ok := l.takeFor("app", n); ok {
				sent += n
			}
			time.Sleep(10 * time.Millisecond)
		}
		assert.InDelta(t, 60*100, sent, 100+250, "the rate, and once the burst and a last batch")
	})
}

func TestGiveBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLimiter(t, RateLimitConfig{EventsPerSecond: 10})
		k, limit := l.ofClient("app")
		_, ok := l.take(k, limit, 50)
		require.True(t, ok)
		l.giveBack(k, limit, 50)
		got, ok := l.take(k, limit, 1)
		assert.True(t, ok)
		assert.Equal(t, 9, got.remaining)
		other, _ := l.ofClient("other")
		l.giveBack(other, limit, 5) // forgotten meanwhile: it is full
		assert.Equal(t, 1, l.fills.Len())
	})
}

func TestOverrides(t *testing.T) {
	l := newTestLimiter(t, RateLimitConfig{EventsPerSecond: 10, Overrides: []RateOverride{
		{Client: "fast", EventsPerSecond: 500, Burst: 2000}, {Client: "free"}, {Client: "192.0.2.1", EventsPerSecond: 1},
	}, PerPeer: true})
	got, _ := l.takeFor("fast", 1)
	assert.Equal(t, 1999, got.remaining)
	_, limit := l.ofClient("free")
	assert.Nil(t, limit, "0: none")
	_, limit = l.ofPeer(netip.MustParseAddr("192.0.2.1"))
	assert.Equal(t, 10, limit.eventsPerSecond, "an address is not a client's name")

	off := newTestLimiter(t, RateLimitConfig{Overrides: []RateOverride{{Client: "slow", EventsPerSecond: 1}}})
	_, limit = off.ofClient("app")
	assert.Nil(t, limit)
	_, limit = off.ofClient("slow")
	assert.NotNil(t, limit)
}

func TestPeers(t *testing.T) {
	addr := netip.MustParseAddr
	off := newTestLimiter(t, RateLimitConfig{EventsPerSecond: 10})
	_, limit := off.ofPeer(addr("192.0.2.1"))
	assert.Nil(t, limit, "off unless asked for")

	l := newTestLimiter(t, RateLimitConfig{EventsPerSecond: 10, PerPeer: true})
	key := func(a netip.Addr) clientKey {
		k, limit := l.ofPeer(a)
		require.NotNil(t, limit)
		return k
	}
	_, limit = l.ofPeer(netip.Addr{})
	assert.Nil(t, limit, "no address")
	assert.Equal(t, key(addr("192.0.2.1")), key(addr("::ffff:192.0.2.1").Unmap()))
	assert.NotEqual(t, key(addr("192.0.2.1")), key(addr("192.0.2.2")))
	assert.Equal(t, key(addr("2001:db8:0:1::1")), key(addr("2001:db8:0:1:ffff::2")), "one /64, one client")
	assert.NotEqual(t, key(addr("2001:db8:0:1::1")), key(addr("2001:db8:0:2::1")))
	client, _ := l.ofClient("192.0.2.1")
	assert.NotEqual(t, client, key(addr("192.0.2.1")))
}

// Many clients neither grow memory nor have the debt of one forgotten.
func TestManyClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 1000
		l := newTestLimiter(t, RateLimitConfig{EventsPerSecond: 10, MaxClients: size})
		_, ok := l.takeFor("debtor", 1000) // 99 s of debt
		require.True(t, ok)
		for i := range 20 * size { // all at once, each at the end of its bucket
			_, ok := l.takeFor(strconv.Itoa(i), 10)
			require.True(t, ok, "a newcomer is let in whoever fills the table")
			require.LessOrEqual(t, l.fills.Len(), size)
		}
		_, ok = l.takeFor("debtor", 1)
		assert.False(t, ok, "who owes most is forgotten last")

		time.Sleep(2 * time.Second) // all others are full again
		k, limit := l.ofClient("late")
		_, _ = l.take(k, limit, 100)
		for i := range 20 * size {
			_, _ = l.takeFor("again"+strconv.Itoa(i), 1)
			time.Sleep(time.Microsecond)
		}
		_, ok = l.take(k, limit, 1)
		assert.False(t, ok, "full buckets are forgotten first")
		_, ok = l.takeFor("debtor", 1)
		assert.False(t, ok)
	})
}

// The stated worst case: bytes of heap for each of max_clients.
func TestMemoryOfClients(t *testing.T) {
	const clients, bytesEach = 100_000, 160
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	l := newTestLimiter(t, RateLimitConfig{EventsPerSecond: 1, MaxClients: clients})
	for i := range 2 * clients {
		_, _ = l.takeFor(strconv.Itoa(i), 1)
	}
	used := heap() - before
	runtime.KeepAlive(l)
	t.Logf("%.1f bytes for each of %d clients", float64(used)/clients, l.fills.Len())
	assert.Equal(t, clients, l.fills.Len())
	assert.LessOrEqual(t, used, uint64(clients*bytesEach))
}

func TestConcurrentTakes(t *testing.T) {
	l := newTestLimiter(t, RateLimitConfig{EventsPerSecond: 1, Burst: 1000, MaxClients: 4})
	var wg sync.WaitGroup
	var mu sync.Mutex
	let := 0
	for range 8 {
		wg.Go(func() {
			n := 0
			for range 1000 {
				if _, ok := l.takeFor("app", 1); ok {
					n++
				}
			}
			mu.Lock()
			defer mu.Unlock()
			let += n
		})
	}
	wg.Wait()
	assert.InDelta(t, 1000, let, 60, "the burst, and what a second or more brings")
}

func BenchmarkTake(b *testing.B) {
	for name, clients := range map[string]int{"one": 1, "many": 200_000} {
		b.Run(name, func(b *testing.B) {
			l := newTestLimiter(b, RateLimitConfig{EventsPerSecond: 1000, MaxClients: 100_000})
			ids := make([]string, clients)
			for i := range ids {
				ids[i] = "client-" + strconv.Itoa(i)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				_, _ = l.takeFor(ids[i%clients], 1)
				i++
			}
		})
	}
}

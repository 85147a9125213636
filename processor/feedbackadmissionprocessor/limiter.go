// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor"

import (
	"hash/maphash"
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// evictionProbes is how many of the clients not heard of for longest are
	// looked at to make room for another.
	evictionProbes = 8
	// peerBits of an IPv6 address are one client: a subscriber has a whole /64.
	peerBits = 64
	// maxDebt bounds what one request takes from a bucket, as time: the sum of a
	// few such still fits into 64 bits.
	maxDebt = 365 * 24 * time.Hour
)

// limit is the size of a bucket and how it is refilled.
type limit struct {
	eventsPerSecond int
	interval        float64 // between two events, in ns
	depth           int64   // of the bucket but for one event, in ns
}

// newLimit returns nil for no limit.
func newLimit(eventsPerSecond, burst int) *limit {
	if eventsPerSecond == 0 {
		return nil
	}
	if burst == 0 {
		burst = eventsPerSecond
	}
	interval := float64(time.Second) / float64(eventsPerSecond)
	return &limit{eventsPerSecond: eventsPerSecond, interval: interval, depth: int64(math.Round(float64(burst-1) * interval))}
}

func (l *limit) span(events int) int64 {
	return int64(min(math.Round(float64(events)*l.interval), float64(maxDebt)))
}

// clientKey stands for a client: a hash of its name under secret seeds, so that
// an entry has one size and nobody can choose a name to share another's bucket.
type clientKey [2]uint64

// limiter keeps a token bucket for each client. Of a bucket it remembers when it
// is full again (what others call the theoretical arrival time): its level, debt
// included, follows from that, and a bucket that is full by now need not be
// remembered at all.
type limiter struct {
	seeds     [4]maphash.Seed // two for clients, two for peers
	base      time.Time
	standard  *limit // nil: none
	overrides map[string]*limit
	perPeer   bool
	size      int

	mu    sync.Mutex                       // guards fills
	fills *simplelru.LRU[clientKey, int64] // when the bucket is full, in ns since base
}

func newLimiter(cfg *RateLimitConfig) (*limiter, error) {
	fills, err := simplelru.NewLRU[clientKey, int64](cfg.MaxClients, nil)
	if err != nil {
		return nil, err
	}
	l := &limiter{
		base:      time.Now(),
		standard:  newLimit(cfg.EventsPerSecond, cfg.Burst),
		overrides: make(map[string]*limit, len(cfg.Overrides)),
		perPeer:   cfg.PerPeer,
		size:      cfg.MaxClients,
		fills:     fills,
	}
	for i := range l.seeds {
		l.seeds[i] = maphash.MakeSeed()
	}
	for _, o := range cfg.Overrides {
		l.overrides[o.Client] = newLimit(o.EventsPerSecond, o.Burst)
	}
	return l, nil
}

// ofClient returns the limit of an authenticated client, nil if it has none.
func (l *limiter) ofClient(id string) (clientKey, *limit) {
	limit, ok := l.overrides[id]
	if !ok {
		limit = l.standard
	}
	return clientKey{maphash.String(l.seeds[0], id), maphash.String(l.seeds[1], id)}, limit
}

// ofPeer returns the limit of a client known by its address alone.
func (l *limiter) ofPeer(addr netip.Addr) (clientKey, *limit) {
	if !l.perPeer || !addr.IsValid() {
		return clientKey{}, nil
	}
	if addr.Is6() {
		addr = netip.PrefixFrom(addr, peerBits).Masked().Addr()
	}
	return clientKey{maphash.Comparable(l.seeds[2], addr), maphash.Comparable(l.seeds[3], addr)}, l.standard
}

// level is what a bucket holds after a request.
type level struct {
	remaining int           // whole events; 0 in debt
	wait      time.Duration // until it holds one; 0 if it does
}

// take takes n events from a bucket that holds at least one, into debt if need
// be. From one that holds none it takes nothing and reports false.
func (l *limiter) take(k clientKey, of *limit, n int) (level, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := int64(time.Since(l.base))
	full, known := l.fills.Get(k)
	full = max(full, now)
	if full-now > of.depth {
		return of.level(full - now), false
	}
	if !known && l.fills.Len() >= l.size {
		l.makeRoom(now)
	}
	full += of.span(n)
	l.fills.Add(k, full)
	return of.level(full - now), true
}

// giveBack undoes a take.
func (l *limiter) giveBack(k clientKey, of *limit, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if full, known := l.fills.Get(k); known {
		l.fills.Add(k, full-of.span(n))
	}
}

// makeRoom forgets a client. A bucket that is full loses nothing by it. If none
// of those not heard of for longest is, the one that owes least is forgotten, and
// the others are kept for another round: to have a debt forgotten takes max_clients
// others that owe more. mu is held.
func (l *limiter) makeRoom(now int64) {
	var victim clientKey
	least := int64(math.MaxInt64)
	for range evictionProbes {
		k, full, _ := l.fills.GetOldest()
		if full < least {
			victim, least = k, full
		}
		if full <= now {
			break
		}
		l.fills.Get(k) // now the latest
	}
	l.fills.Remove(victim)
}

// level of a bucket that is full after so many ns.
func (l *limit) level(missing int64) level {
	if missing > l.depth {
		return level{wait: time.Duration(missing - l.depth)}
	}
	return level{remaining: 1 + int(float64(l.depth-missing)/l.interval)}
}

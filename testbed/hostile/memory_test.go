// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package hostile

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// A collector that must do with 256 MiB. What Go holds beyond GOMEMLIMIT is the
// binary itself and what it has not given back yet.
var (
	smallMachine = []string{"GOMEMLIMIT=170MiB", "COLLECTOR_HTTP__ENQUEUE_TIMEOUT=4s"}
	smallLimiter = "processors::memory_limiter: {check_interval: 100ms, limit_mib: 160, spike_limit_mib: 40, limit_percentage: 0, spike_limit_percentage: 0}"
)

const smallMemory = 256 * mib

// answers counts what a crowd was told.
type answers struct {
	mu     sync.Mutex
	status map[int]int
}

func (a *answers) add(status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.status == nil {
		a.status = map[int]int{}
	}
	a.status[status]++
}

// flood lets clients send the same body at once, again and again until the time
// is up, and counts the answers; 0 stands for none.
func (g *target) flood(t *testing.T, clients int, during time.Duration, body string, headers ...string) map[int]int {
	t.Helper()
	var told answers
	var wg sync.WaitGroup
	end := time.Now().Add(during)
	for range clients {
		wg.Go(func() {
			for time.Now().Before(end) {
				a, err := g.post(t.Context(), strings.NewReader(body), headers...)
				if err != nil {
					told.add(0)
					return
				}
				told.add(a.Status)
			}
		})
	}
	// A normal client in the middle of it.
	var normal answers
	var slowest time.Duration
	for time.Now().Before(end) {
		began := time.Now()
		a, err := g.post(t.Context(), strings.NewReader(event))
		slowest = max(slowest, time.Since(began))
		if err != nil {
			normal.add(0)
			continue
		}
		normal.add(a.Status)
	}
	wg.Wait()
	t.Logf("%d clients: %v; a normal client meanwhile: %v, slowest %s; peak RSS %d MiB",
		clients, told.status, normal.status, slowest.Round(time.Millisecond), g.peak(t)/mib)
	return told.status
}

// TestManyLargeRequests: a hundred clients with ten thousand events a request,
// usual ones and ones made to take much memory.
func TestManyLargeRequests(t *testing.T) {
	const n = 10_000
	for _, tt := range []struct {
		name, body string
		only       []int // 0: the connection was cut while the body was sent
	}{
		{"usual events", "[" + strings.Repeat(event+",", n-1) + event + "]", []int{202, 503}},
		{"empty events", "[" + strings.Repeat("{},", n-1) + "{}]", []int{400, 503}},
		{"a MiB of objects", `{"type":"user_feedback","x":[` + strings.Repeat("{},", 1<<20/3-100) + `0]}`, []int{400, 503}},
		{"20 MiB of zeros", `{"type":"user_feedback","x":[` + strings.Repeat("0,", 10<<20-100) + `0]}`, []int{413, 503, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := attackedEnv
			if tt.only[0] == http.StatusAccepted {
				start = attackedWhole
			}
			g := start(t, smallMachine, smallLimiter)
			told := g.flood(t, 100, 3*time.Second, tt.body)
			for status := range told {
				assert.Contains(t, tt.only, status)
			}
			assert.Positive(t, told[tt.only[0]]+told[http.StatusServiceUnavailable], "it answers")
			assert.Less(t, told[0], 10)
			assert.Less(t, g.peak(t), int64(smallMemory))
			g.lives(t) // recovers
			g.serves(t, 50, 100*time.Millisecond, 2*time.Second)
		})
	}
}

// TestManyClients: a hundred thousand clients, by address and by token, of whom
// each has a rate of its own. What is remembered of them is bounded.
func TestManyClients(t *testing.T) {
	const clients = 100_000
	g := attacked(t, append(closedToStrangers(1000),
		"receivers::feedback::protocols::http: {trusted_proxies: [127.0.0.1]}")...)
	peers := attacked(t, "receivers::feedback::protocols::http: {trusted_proxies: [127.0.0.1]}",
		"processors::feedbackadmission::rate_limit: {per_peer: true}")
	for name, crowd := range map[string]struct {
		g       *target
		headers func(i int) []string
	}{
		"tokens": {g, func(i int) []string {
			return []string{"Authorization", bearer(fmt.Sprintf("client-%032d", i), "feedback:write")}
		}},
		"addresses": {peers, func(i int) []string {
			return []string{"X-Forwarded-For", fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff)}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var next atomic.Int64
			var wg sync.WaitGroup
			before := crowd.g.rss(t)
			for range 16 {
				wg.Go(func() {
					for i := next.Add(1); i <= clients; i = next.Add(1) {
						a, err := crowd.g.post(t.Context(), strings.NewReader(event), crowd.headers(int(i))...)
						if !assert.NoError(t, err) || !assert.Equal(t, http.StatusAccepted, a.Status, a.Body) {
							return
						}
					}
				})
			}
			wg.Wait()
			more := crowd.g.rss(t) - before
			t.Logf("%d clients: RSS %d MiB more, %d bytes each", clients, more/mib, more/clients)
			assert.Less(t, more, int64(160*mib))
		})
	}
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package hostile

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// A collector that must do with 256 MiB. What Go holds beyond GOMEMLIMIT is the
// binary itself and what it has not given back yet.
var (
	smallMachine = []string{"GOMEMLIMIT=170MiB"}
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
		{"typed, without fields", "[" + strings.Repeat(`{"type":"model_response"},`, n-1) + "{}]", []int{400, 503}},
		{"a MiB of zeros", `{"type":"user_feedback","x":[` + strings.Repeat("0,", 1<<19-100) + `0]}`, []int{400, 503}},
		{"a MiB of objects", `{"type":"user_feedback","x":[` + strings.Repeat("{},", 1<<20/3-100) + `0]}`, []int{413, 503}},
		{"20 MiB of zeros", `{"type":"user_feedback","x":[` + strings.Repeat("0,", 10<<20-100) + `0]}`, []int{413, 503, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := attackedEnv(t, smallMachine, smallLimiter)
			told := g.flood(t, 100, 3*time.Second, tt.body)
			for status := range told {
				assert.Contains(t, tt.only, status)
			}
			assert.Positive(t, told[tt.only[0]]+told[http.StatusServiceUnavailable], "it answers")
			assert.Less(t, g.peak(t), int64(smallMemory))
			g.lives(t) // recovers
			g.serves(t, 50, 100*time.Millisecond, 2*time.Second)
		})
	}
}

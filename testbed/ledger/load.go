// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// Load says what is sent.
type Load struct {
	// URL takes the requests.
	URL string
	// Rate is events a second; 1000 if 0.
	Rate int
	// PerRequest is events in a request; 5 if 0.
	PerRequest int
	// Max ends the load after so many events; 200,000 if 0.
	Max int
	// Patience is how long an answer is waited for; 15 s if 0.
	Patience time.Duration
	// Extra is a member that every event has, or "".
	Extra string
	// Poison makes the n-th event one that is never delivered as it is; it
	// returns a member to add, or "". Nil: none is.
	Poison func(n int) string
}

const (
	// senders bounds how many requests wait for an answer at a time; more are not
	// sent, but counted.
	senders = 2000
	// keepers are the senders that take turns from the start.
	keepers = 20
)

// Run is a load that is being sent.
type Run struct {
	ledger *Ledger
	load   Load
	client *http.Client
	cancel context.CancelFunc
	done   sync.WaitGroup // the pace and all senders

	mu      sync.Mutex // guards all below
	free    []*sender
	next    int
	skipped int
}

// sender sends one request at a time.
type sender struct{ id, counter int }

// Start sends until Stop or until the bounds are reached. What it sends stands
// in the ledger.
func (l *Ledger) Start(ctx context.Context, load Load) *Run {
	ctx, cancel := context.WithCancel(ctx)
	r := l.newRun(load)
	r.cancel = cancel
	for range keepers { // many keys, so that most partitions are used
		r.free = append(r.free, &sender{id: r.next})
		r.next++
	}
	r.done.Go(func() { r.pace(ctx) })
	return r
}

// Burst sends n requests at once and returns when all are answered, and after
// how long.
func (l *Ledger) Burst(load Load, n int) time.Duration {
	r := l.newRun(load)
	defer r.client.CloseIdleConnections()
	began := time.Now()
	for range n {
		r.begin(began)
	}
	r.done.Wait()
	return time.Since(began)
}

func (l *Ledger) newRun(load Load) *Run {
	setDefault(&load.Rate, 1000)
	setDefault(&load.PerRequest, 5)
	setDefault(&load.Max, 200_000)
	if load.Patience == 0 {
		load.Patience = 15 * time.Second
	}
	if load.Poison == nil {
		load.Poison = func(int) string { return "" }
	}
	r := &Run{
		ledger: l, load: load,
		client: &http.Client{
			Timeout:   load.Patience,
			Transport: &http.Transport{MaxIdleConnsPerHost: senders, DisableCompression: true},
		},
	}
	l.mu.Lock()
	if len(l.requests) > 0 { // another load before: go on behind its senders
		r.next = (l.requests[len(l.requests)-1].Sender/senders + 1) * senders
	}
	l.mu.Unlock()
	return r
}

func setDefault(v *int, to int) {
	if *v == 0 {
		*v = to
	}
}

// Stop ends the load and waits for the answers that are due. It returns how
// many requests were not sent because too many waited.
func (r *Run) Stop() (skipped int) {
	r.cancel()
	r.done.Wait()
	r.client.CloseIdleConnections()
	return r.skipped
}

// pace starts a request whenever one is due.
func (r *Run) pace(ctx context.Context) {
	interval := time.Second * time.Duration(r.load.PerRequest) / time.Duration(r.load.Rate)
	tick := time.NewTicker(max(interval, time.Millisecond))
	defer tick.Stop()
	due := time.Now()
	for sent := 0; sent < r.load.Max; {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for ; !due.After(now) && sent < r.load.Max; due = due.Add(interval) {
				sent += r.load.PerRequest
				r.begin(due)
			}
		}
	}
}

// begin sends a request with a sender that waits for nothing.
func (r *Run) begin(due time.Time) {
	r.mu.Lock()
	var s *sender
	switch {
	case len(r.free) > 0:
		s = r.free[0] // the one that rested longest
		r.free = r.free[1:]
	case r.next%senders < senders-1:
		s = &sender{id: r.next}
		r.next++
	default:
		r.skipped++
	}
	r.mu.Unlock()
	if s == nil {
		return
	}
	r.done.Go(func() {
		r.send(s, due)
		r.mu.Lock()
		r.free = append(r.free, s)
		r.mu.Unlock()
	})
}

// send sends the sender's next request.
func (r *Run) send(s *sender, due time.Time) {
	poison := map[int]string{}
	n := r.ledger.open(s.id, s.counter, r.load.PerRequest, due, func(n int) bool {
		poison[n] = r.load.Poison(n)
		return poison[n] != ""
	})
	s.counter++
	body := r.body(n, s, poison)
	// Not bound to the load's context: its end waits for the answers.
	resp, err := r.client.Post(r.load.URL, "application/json", bytes.NewReader(body))
	if err != nil {
		answer := Unknown
		if errors.Is(err, syscall.ECONNREFUSED) {
			answer = NotSent
		}
		r.ledger.close(n, answer, 0, err.Error())
		return
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	_ = resp.Body.Close()
	var said struct {
		Accepted int `json:"accepted"`
	}
	switch {
	case err != nil:
		r.ledger.close(n, Unknown, resp.StatusCode, err.Error())
	case resp.StatusCode != http.StatusAccepted:
		r.ledger.close(n, Refused, resp.StatusCode, short(text))
	case json.Unmarshal(text, &said) != nil || said.Accepted != r.load.PerRequest:
		r.ledger.close(n, Unknown, resp.StatusCode, "an answer that is not as agreed: "+short(text))
	default:
		r.ledger.close(n, Acknowledged, resp.StatusCode, "")
	}
}

// body is the n-th request: one event of each of the sender's keys.
func (r *Run) body(n int, s *sender, poison map[int]string) []byte {
	r.ledger.mu.Lock()
	first := r.ledger.requests[n].first
	r.ledger.mu.Unlock()
	b := []byte("[")
	for i := range r.load.PerRequest {
		if i > 0 {
			b = append(b, ',')
		}
		id := r.ledger.id(first + i)
		b = appendEvent(b, id, key(s.id, i), `"event_id":"`+id+`"`, r.load.Extra, poison[first+i])
	}
	return append(b, ']')
}

// appendEvent appends an event with further members, those that are empty left out.
func appendEvent(b []byte, id, session string, members ...string) []byte {
	b = fmt.Appendf(b, `{"type":"user_feedback","session_id":%q,"request_id":%q,"rating":4`, session, id)
	for _, m := range members {
		if m != "" {
			b = append(append(b, ','), m...)
		}
	}
	return append(b, '}')
}

// Lines returns n events as lines without an event_id, and enters them as
// promised by the given sender; request_id is what the ledger knows them by.
func (l *Ledger) Lines(sender, n int) []byte {
	r := l.open(sender, 0, n, time.Now(), func(int) bool { return false })
	l.close(r, Acknowledged, 0, "")
	l.mu.Lock()
	first := l.requests[r].first
	l.mu.Unlock()
	var b []byte
	for i := range n {
		b = append(appendEvent(b, l.id(first+i), key(sender, i)), '\n')
	}
	return b
}

func short(text []byte) string { return string(text[:min(len(text), 200)]) }

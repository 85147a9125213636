// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package observability

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
)

const (
	tick       = 100 * time.Millisecond
	perRequest = 10
	workers    = 8 // requests at a time
)

const comment = "The answer was short and to the point. Mail to someone@example.com."

// note makes events large, so that a small spool is full soon.
var note = strings.Repeat("The quick brown fox jumps over the lazy dog. ", 100)

// traffic sends a request every tick as long as there are workers that do not
// wait for an answer, half of them over OTLP.
type traffic struct {
	http, otlp string
	client     *http.Client
	// bad is how many of the events of a request are invalid.
	bad atomic.Int64
	// on is whether anything is sent.
	on atomic.Bool

	answers sync.Map // status: *atomic.Int64
}

// warm sends some bad events: rate() trusts a counter that stands at 0 less than
// those it is compared with, which tells in windows of seconds.
func (f *traffic) warm(ctx context.Context) {
	f.bad.Store(perRequest / 2)
	for n := range 40 {
		f.send(ctx, n)
	}
	f.bad.Store(0)
}

// run sends until the test is over.
func (f *traffic) run(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		group.Wait()
		f.client.CloseIdleConnections()
	})
	due := make(chan int)
	for range workers {
		group.Go(func() {
			for n := range due {
				f.send(ctx, n)
			}
		})
	}
	group.Go(func() {
		defer close(due)
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if !f.on.Load() {
				continue
			}
			select {
			case due <- n:
			default: // all wait
			}
		}
	})
}

func (f *traffic) send(ctx context.Context, n int) {
	url, body := f.http, f.events()
	if n%2 == 1 {
		url, body = f.otlp, asOTLP(body)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/json")
	status := 0
	if resp, err := f.client.Do(req); err == nil {
		status = resp.StatusCode
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	count, _ := f.answers.LoadOrStore(status, new(atomic.Int64))
	count.(*atomic.Int64).Add(1)
}

// events is a JSON array of events; the first are bad.
func (f *traffic) events() []byte {
	var b bytes.Buffer
	bad := int(f.bad.Load())
	for i := range perRequest {
		rating := 4
		if i < bad {
			rating = 9
		}
		separator := ","
		if i == 0 {
			separator = "["
		}
		fmt.Fprintf(&b, `%s{"type":"user_feedback","event_id":"%s","session_id":"s-%d","request_id":"%s","rating":%d,"comment":"%s","metadata":{"note":"%s"}}`,
			separator, uuid.NewString(), i, uuid.NewString(), rating, comment, note)
	}
	return append(b.Bytes(), ']')
}

// asOTLP makes log records out of a JSON array of events.
func asOTLP(array []byte) []byte {
	var records []string
	for _, e := range strings.SplitAfter(strings.Trim(string(array), "[]"), "}},") {
		records = append(records, fmt.Sprintf(`{"body":{"stringValue":%q}}`, strings.TrimSuffix(e, ",")))
	}
	return fmt.Appendf(nil, `{"resourceLogs":[{"scopeLogs":[{"logRecords":[%s]}]}]}`, strings.Join(records, ","))
}

// String says how requests were answered.
func (f *traffic) String() string {
	var parts []string
	f.answers.Range(func(status, count any) bool {
		parts = append(parts, fmt.Sprintf("%d: %d", status, count.(*atomic.Int64).Load()))
		return true
	})
	return strings.Join(parts, ", ")
}

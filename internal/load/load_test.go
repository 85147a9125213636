// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func send(t *testing.T, c Config) (*Outcome, *Ledger) {
	t.Helper()
	l := NewLedger()
	o, err := Send(t.Context(), c, l)
	require.NoError(t, err)
	return o, l
}

// Each way in carries every event once, with an id of its own.
func TestTransports(t *testing.T) {
	for _, transport := range Transports {
		for _, batch := range []int{1, 7} {
			t.Run(string(transport), func(t *testing.T) {
				f := &far{}
				c := Config{Transport: transport, Batch: batch, Connections: 3, Rate: float64(batch) * 200, Duration: 250 * time.Millisecond, Token: "t"}
				switch {
				case transport == OTLPHTTP:
					c.Target = f.overHTTP(t) + "/v1/logs"
				case transport.overHTTP():
					c.Target = f.overHTTP(t) + "/v1/feedback"
				default:
					c.Target = f.overGRPC(t, 0)
				}
				o, l := send(t, c)
				assert.Empty(t, o.Failed)
				assert.Empty(t, o.Refused)
				assert.EqualValues(t, 50, o.Requests, "as many as were due")
				assert.Equal(t, Balance{Sent: int64(50 * batch), Acknowledged: int64(50 * batch), Lost: int64(50 * batch)}, l.Since(0))
				assert.Equal(t, 50, f.requests)
				assert.Len(t, f.ids, 50*batch)
				for id, n := range f.ids {
					assert.Equal(t, 1, n, id)
				}
				assert.EqualValues(t, 50, o.Latency.Count)
			})
		}
	}
}

// A rate that one connection can not keep up with is still what is measured:
// while the far side stalls, all that was due waits, and its latency says so.
func TestStallIsSeenByAllItHeldUp(t *testing.T) {
	const stall = 400 * time.Millisecond
	f := &far{take: func(n int, _ []string, _ http.ResponseWriter) bool {
		if n == 20 {
			<-time.After(stall)
		}
		return false
	}}
	o, _ := send(t, Config{Target: f.overHTTP(t), Connections: 1, Rate: 200, Duration: time.Second})
	require.EqualValues(t, 200, o.Requests)
	assert.Zero(t, o.Overdue)
	// 80 requests fell due meanwhile. Who only looks at service times sees one.
	assert.GreaterOrEqual(t, o.Latency.P90, stall.Seconds()*1000/2)
	assert.GreaterOrEqual(t, o.Lateness.P90, stall.Seconds()*1000/2)
	assert.Less(t, o.Service.P90, o.Latency.P90/2)
	assert.GreaterOrEqual(t, o.Service.Max, stall.Seconds()*1000)
}

func TestClosedLoop(t *testing.T) {
	var (
		f             = &far{}
		mu            sync.Mutex
		inside, peak  int
		begun, before int
	)
	f.take = func(int, []string, http.ResponseWriter) bool {
		mu.Lock()
		inside++
		peak = max(peak, inside)
		mu.Unlock()
		<-time.After(5 * time.Millisecond)
		mu.Lock()
		inside--
		mu.Unlock()
		return false
	}
	c := Config{Target: f.overHTTP(t), Connections: 4, Batch: 2, Duration: 200 * time.Millisecond}
	c.Begin = func() {
		f.mu.Lock()
		before = f.requests
		f.mu.Unlock()
		begun++
	}
	o, l := send(t, c)
	assert.LessOrEqual(t, peak, 4)
	assert.Positive(t, o.Requests)
	assert.LessOrEqual(t, o.Requests, int64(4*41))
	assert.Equal(t, 2*o.Requests, l.Since(0).Acknowledged)
	assert.Equal(t, []int{1, 0}, []int{begun, before})
}

// What is refused, in part or whole, or not answered, is told apart.
func TestAnswers(t *testing.T) {
	f := &far{take: func(n int, ids []string, w http.ResponseWriter) bool {
		switch n % 4 {
		case 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 1:
			w.WriteHeader(http.StatusMultiStatus)
			_, _ = w.Write([]byte(`{"accepted":1,"rejected":1,"event_ids":[null,"` + ids[1] + `"]}`))
		case 2:
			conn, _, _ := w.(http.Hijacker).Hijack()
			_ = conn.Close()
		default:
			// So large an answer is sent in chunks.
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write([]byte(strings.Repeat(" ", 10_000)))
		}
		return true
	}}
	o, l := send(t, Config{Target: f.overHTTP(t), Connections: 1, Batch: 2, Rate: 400, Duration: 200 * time.Millisecond})
	assert.EqualValues(t, 40, o.Requests)
	assert.Equal(t, map[string]int64{"503": 10, "207": 10}, o.Refused)
	assert.Equal(t, map[string]int64{"EOF": 10}, o.Failed)
	assert.Equal(t, Balance{Sent: 80, Acknowledged: 30, Lost: 30}, l.Since(0))
	assert.EqualValues(t, 10, o.Latency.Count, "only of what was taken")
}

func TestAnswersOverGRPC(t *testing.T) {
	for transport, want := range map[Transport]map[string]int64{
		GRPC: {"some refused": 10}, GRPCStream: {"some refused": 10}, OTLPGRPC: {"partial success": 10},
	} {
		f := &far{}
		o, l := send(t, Config{
			Transport: transport, Target: f.overGRPC(t, 1), Connections: 2, Batch: 3, Rate: 300, Duration: 100 * time.Millisecond,
		})
		assert.Equal(t, want, o.Refused)
		taken := int64(20)
		if transport == OTLPGRPC {
			taken = 0 // it does not say which
		}
		assert.Equal(t, taken, l.Since(0).Acknowledged)
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	for _, transport := range Transports {
		c := Config{Transport: transport, Target: address, Connections: 2, Duration: time.Second}
		if transport.overHTTP() {
			c.Target = "http://" + address
		}
		_, err := Send(t.Context(), c, NewLedger())
		require.Error(t, err, transport)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := &far{take: func(n int, _ []string, _ http.ResponseWriter) bool {
		if n == 10 {
			cancel()
		}
		return false
	}}
	_, err := Send(ctx, Config{Target: f.overHTTP(t), Rate: 1000, Duration: time.Minute}, NewLedger())
	require.ErrorIs(t, err, context.Canceled)
}

func TestClients(t *testing.T) {
	c := Config{Transport: HTTP, Target: "http://x/v1/feedback", Clients: 300, Batch: 1, Connections: 1}
	l := NewLedger()
	requests, err := c.prepare(l)
	require.NoError(t, err)
	seen := map[string]bool{}
	for range 900 {
		r := <-requests
		r.patch(l, c.Clients, time.Now())
		_, rest, _ := strings.Cut(string(r.wire), "X-Forwarded-For: ")
		client, _, _ := strings.Cut(rest, "\r\n")
		require.NotNil(t, net.ParseIP(strings.TrimSpace(client)), client)
		seen[client] = true
		requests <- r
	}
	assert.Len(t, seen, 300)
}

func TestPatchAllocatesNothing(t *testing.T) {
	c := Config{Transport: HTTP, Target: "http://x/v1/feedback", Batch: 100, Connections: 1}
	l := NewLedger()
	requests, err := c.prepare(l)
	require.NoError(t, err)
	r := <-requests
	r.patch(l, 0, time.Now())
	assert.Zero(t, testing.AllocsPerRun(50, func() { r.patch(l, 0, time.Now()) }))
}

func TestValidate(t *testing.T) {
	good := Config{Target: "http://localhost:8080/v1/feedback"}
	require.NoError(t, good.Validate())
	require.NoError(t, (&Config{Transport: GRPC, Target: "localhost:9090"}).Validate())
	for want, c := range map[string]Config{
		"transport \"smtp\"":            {Transport: "smtp", Target: "x:1"},
		"batch must lie":                {Batch: 10_001},
		"connections must lie":          {Connections: -1},
		"rate must lie":                 {Rate: -1},
		"duration and timeout must not": {Duration: -1},
		"http(s)://host:port/path":      {Target: "localhost:8080"},
		"host:port":                     {Transport: GRPC, Target: "http://localhost:9090"},
		"event size must lie":           {EventSize: 1 << 21},
		"clients must lie":              {Clients: -2},
	} {
		require.ErrorContains(t, c.Validate(), want)
	}
}

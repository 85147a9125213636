// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package wholepath

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// marker stands in what events hold and in what is forged.
const marker = "MARKER-7f3a"

func forge(attributes pcommon.Map) {
	for _, name := range []string{
		feedback.AttrClientID, feedback.AttrPartitionKey, feedback.AttrEventType, feedback.AttrErrorCode,
		feedback.AttrRecordUID, "feedback.anything",
	} {
		attributes.PutStr(name, marker)
	}
}

// forged looks for what only the collector may say.
func forged(attributes pcommon.Map) (names []string) {
	for name, v := range attributes.All() {
		if v.Str() == marker {
			names = append(names, name)
		}
	}
	return names
}

// clients lists who sent what came through, and asserts that nothing is forged.
func (g *gateway) clients() []string {
	var ids []string
	for _, ld := range g.sink.AllLogs() {
		for _, rl := range ld.ResourceLogs().All() {
			assert.Empty(g.t, forged(rl.Resource().Attributes()))
			for _, sl := range rl.ScopeLogs().All() {
				assert.Empty(g.t, forged(sl.Scope().Attributes()))
				for _, lr := range sl.LogRecords().All() {
					assert.Empty(g.t, forged(lr.Attributes()))
					id, _ := lr.Attributes().Get(feedback.AttrClientID)
					ids = append(ids, id.Str())
				}
			}
		}
	}
	g.sink.Reset()
	return ids
}

// entries are those of the audit log; none may hold content or a token.
func (g *gateway) entries(tokens ...string) (found []map[string]any) {
	file, err := os.Open(g.audit)
	require.NoError(g.t, err)
	defer func() { require.NoError(g.t, file.Close()) }()
	for in := bufio.NewScanner(file); in.Scan(); {
		for _, secret := range append(tokens, marker, session) {
			assert.NotContains(g.t, in.Text(), secret)
		}
		var entry map[string]any
		require.NoError(g.t, json.Unmarshal(in.Bytes(), &entry))
		found = append(found, entry)
	}
	return found
}

func TestRatesOnEveryWay(t *testing.T) {
	g := newGateway(t, map[string]any{"rate_limit": map[string]any{"events_per_second": 1, "burst": 5}})
	all := []string{access.ScopeWrite}
	for name, send := range g.ways() {
		t.Run(name, func(t *testing.T) {
			greedy := g.token("greedy "+name, all, nil)
			first := send(greedy, slices.Repeat(kinds{user}, 65), requestA)
			require.Equal(t, codes.OK, first.code, "into debt")
			limited := send(greedy, kinds{user}, requestA)
			require.Equal(t, codes.ResourceExhausted, limited.code)
			assert.InDelta(t, 61, limited.retry.Seconds(), 5, "until one event is there again")
			other := send(g.token("modest "+name, all, nil), kinds{user}, requestA)
			assert.Equal(t, codes.OK, other.code)
			clients := g.clients()
			assert.Len(t, clients, 66)
			assert.Equal(t, "modest "+name, clients[65])
			if name != "http" {
				return
			}
			assert.Equal(t, []string{"1", "0"}, []string{first.header.Get("X-RateLimit-Limit"), first.header.Get("X-RateLimit-Remaining")})
			assert.Equal(t, []string{"1", "0"}, []string{limited.header.Get("X-RateLimit-Limit"), limited.header.Get("X-RateLimit-Remaining")})
			assert.Equal(t, limited.header.Get("Retry-After"), limited.header.Get("X-RateLimit-Reset"))
			assert.Equal(t, []string{"1", "4", "0"}, []string{
				other.header.Get("X-RateLimit-Limit"), other.header.Get("X-RateLimit-Remaining"), other.header.Get("X-RateLimit-Reset"),
			})
		})
	}
	var limited []string
	for _, e := range g.entries() {
		if e["msg"] == "rate_limit_exceeded" {
			assert.Equal(t, "127.0.0.1", e["ip_addr"])
			limited = append(limited, e["client_id"].(string))
		}
	}
	assert.ElementsMatch(t, []string{"greedy http", "greedy grpc", "greedy otlp grpc", "greedy otlp http"}, limited)
}

// One client is one client, whichever way it takes.
func TestOneBucketForAllWays(t *testing.T) {
	g := newGateway(t, map[string]any{"rate_limit": map[string]any{"events_per_second": 1}})
	bearer := g.token("app", []string{access.ScopeWrite}, nil)
	ways := g.ways()
	require.Equal(t, codes.OK, ways["grpc"](bearer, slices.Repeat(kinds{user}, 60), requestA).code)
	for name, send := range ways {
		assert.Equal(t, codes.ResourceExhausted, send(bearer, kinds{user}, requestA).code, name)
	}
}

// A client at its limit costs others no room and no time: they are let in while
// it hammers.
func TestLimitedClientSlowsNoOther(t *testing.T) {
	g := newGateway(t, map[string]any{"rate_limit": map[string]any{
		"events_per_second": 1, "overrides": []any{map[string]any{"client": "modest", "events_per_second": 1000}},
	}})
	all := []string{access.ScopeWrite}
	greedy, modest := g.token("greedy", all, nil), g.token("modest", all, nil)
	send := g.ways()["http"]
	large := slices.Repeat(kinds{user}, 100)
	require.Equal(t, codes.OK, send(greedy, large, requestA).code)

	stop := make(chan struct{})
	var hammering sync.WaitGroup
	for range 4 {
		hammering.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					assert.Equal(t, codes.ResourceExhausted, send(greedy, large, requestA).code)
				}
			}
		})
	}
	var slowest time.Duration
	for range 50 {
		began := time.Now()
		assert.Equal(t, codes.OK, send(modest, kinds{user}, requestA).code)
		slowest = max(slowest, time.Since(began))
	}
	close(stop)
	hammering.Wait()
	t.Logf("the slowest answer took %v", slowest)
	assert.Less(t, slowest, 4*time.Second, "below enqueue_timeout: it did not wait for room")
	assert.Len(t, g.clients(), 150)
}

func TestScopesOnEveryWay(t *testing.T) {
	g := newGateway(t, map[string]any{"scopes": map[string]any{"required": true}})
	presigned := func(name string) string {
		return g.token("browser "+name, nil, &token.Feedback{RequestID: requestA, Types: []string{user}, MaxUses: 3})
	}
	narrow := g.token("narrow", []string{"feedback:write:user_feedback"}, nil)
	for name, send := range g.ways() {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, codes.Unauthenticated, send("nonsense", kinds{user}, requestA).code)
			assert.Equal(t, codes.PermissionDenied, send(g.token("none", nil, nil), kinds{user}, requestA).code)
			assert.Equal(t, codes.OK, send(g.token("all", []string{access.ScopeWrite}, nil), kinds{user, health}, requestA).code)
			assert.Equal(t, []string{"all", "all"}, g.clients())

			assert.Equal(t, codes.OK, send(narrow, kinds{user, user}, requestA).code)
			assert.Equal(t, []string{"narrow", "narrow"}, g.clients())
			assert.Equal(t, codes.PermissionDenied, send(narrow, kinds{health}, requestA).code)
			assert.Equal(t, codes.PermissionDenied, send(narrow, kinds{user, health}, requestA).code, "whole")

			good := presigned(name)
			assert.Equal(t, codes.PermissionDenied, send(good, kinds{user}, requestB).code, "another request")
			assert.Equal(t, codes.PermissionDenied, send(good, kinds{health}, requestA).code, "another type")
			assert.Equal(t, codes.PermissionDenied, send(good, slices.Repeat(kinds{user}, 4), requestA).code, "more than its uses")
			assert.Equal(t, codes.OK, send(good, kinds{user}, requestA).code)
			assert.Equal(t, codes.OK, send(good, kinds{user, user}, requestA).code)
			assert.Equal(t, codes.PermissionDenied, send(good, kinds{user}, requestA).code, "used up")
			assert.Equal(t, slices.Repeat([]string{"browser " + name}, 3), g.clients())
		})
	}

	counts := map[string]int{}
	for _, e := range g.entries(narrow) {
		what := e["msg"].(string)
		if reason, ok := e["reason"]; ok {
			what += " " + reason.(string)
		} else if e["success"] == true {
			what += " true"
		}
		counts[what]++
		assert.Equal(t, "127.0.0.1", e["ip_addr"])
	}
	delete(counts, "authentication_attempt true")
	assert.Equal(t, map[string]int{
		"event_ingested true":                      4 * 7,
		"authentication_attempt permission_denied": 4 * 7,
		"authentication_attempt malformed":         4,
	}, counts)
}

// What validation refuses is given back to a presigned token, OTLP included.
func TestRefusedEventsCostNoUse(t *testing.T) {
	g := newGateway(t, nil)
	for name, send := range g.ways() {
		t.Run(name, func(t *testing.T) {
			bearer := g.token("twice "+name, nil, &token.Feedback{SessionID: session, Types: []string{user}, MaxUses: 1})
			sent := send(bearer, kinds{user}, strings.Repeat("0", 8)+"-0000-0000-0000-000000000000") // the nil UUID
			if strings.HasPrefix(name, "otlp") {
				assert.Equal(t, codes.OK, sent.code, "dead-lettered")
			} else {
				assert.Equal(t, codes.InvalidArgument, sent.code)
			}
			assert.Equal(t, codes.OK, send(bearer, kinds{user}, requestA).code)
			assert.Equal(t, codes.PermissionDenied, send(bearer, kinds{user}, requestA).code)
		})
	}
}

// Peers are limited by the address that trusted proxies vouch for.
func TestPeersBehindAProxy(t *testing.T) {
	g := newGateway(t, map[string]any{"rate_limit": map[string]any{"events_per_second": 1, "per_peer": true}})
	// A presigned token that names nobody: its sender is known by address alone.
	bearer := g.token("", nil, &token.Feedback{RequestID: requestA, Types: []string{user}, MaxUses: 100})
	send := func(header, value string) codes.Code {
		return g.post(g.http, "application/json", bearer, []byte("["+strings.Repeat(eventText(user, requestA)+",", 19)+eventText(user, requestA)+"]"), http.Header{header: {value}}).code
	}
	assert.Equal(t, codes.OK, send("X-Forwarded-For", "198.51.100.9, 192.0.2.1"))
	assert.Equal(t, codes.ResourceExhausted, send("X-Forwarded-For", "198.51.100.7, 192.0.2.1"), "what a client claims before its own address changes nothing")
	assert.Equal(t, codes.ResourceExhausted, send("Forwarded", "for=192.0.2.1;proto=https"))
	assert.Equal(t, codes.OK, send("X-Forwarded-For", "192.0.2.2, 127.0.0.9"), "through two proxies")
	assert.Equal(t, codes.OK, send("Forwarded", `for="[2001:db8::1]:80"`))
	assert.Equal(t, codes.ResourceExhausted, send("X-Forwarded-For", "2001:db8::2"), "one /64, one client")
}

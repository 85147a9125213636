// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

const (
	requestA = "0199b5a2-0000-7000-8000-00000000000a"
	requestB = "0199b5a2-0000-7000-8000-00000000000b"
)

// text is an event as a line of JSON.
func textEvent(json string) plog.LogRecord {
	lr := plog.NewLogRecord()
	lr.Body().SetStr(json)
	return lr
}

func userText(requestID, sessionID string) plog.LogRecord {
	return textEvent(`{"type":"user_feedback","request_id":"` + requestID + `","session_id":"` + sessionID + `"}`)
}

// named is an event whose type is in its name alone.
func named(name string) plog.LogRecord {
	lr := plog.NewLogRecord()
	lr.SetEventName(name)
	lr.Body().SetEmptyMap().PutStr("request_id", requestA)
	return lr
}

func logsOf(events ...plog.LogRecord) plog.Logs {
	ld := plog.NewLogs()
	slice := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for _, e := range events {
		e.CopyTo(slice.AppendEmpty())
	}
	return ld
}

func as(ctx context.Context, auth client.AuthData) context.Context {
	return client.NewContext(ctx, client.Info{Auth: auth})
}

func denied(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	assert.Equal(t, codes.PermissionDenied, status.Code(err))
	assert.True(t, consumererror.IsPermanent(err))
	assert.NotContains(t, err.Error(), marker)
}

// uses counts the uses of presigned tokens.
type uses struct {
	mu    sync.Mutex
	taken map[string]int
}

func (u *uses) Take(id string, _ time.Time, limit, n int) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.taken[id]+n > limit {
		return false
	}
	u.taken[id] += n
	return true
}

func (u *uses) Return(id string, n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.taken[id] -= n
}

func TestScopes(t *testing.T) {
	health := textEvent(`{"type":"system_health","service_name":"s"}`)
	user := userText(requestA, "s1")
	oneType := &access.Grant{Subject: "app", ScopesKnown: true, Scopes: []string{"other", "feedback:write:user_feedback"}}
	presign := func(p access.Presigned) *access.Grant {
		p.Types, p.MaxUses, p.Uses, p.ID = []string{"user_feedback"}, 100, &uses{taken: map[string]int{}}, "t"
		return &access.Grant{Presigned: &p, ScopesKnown: true}
	}
	byRequest, bySession := presign(access.Presigned{RequestID: requestA}), presign(access.Presigned{SessionID: "s1"})
	for name, tt := range map[string]struct {
		grant  *access.Grant
		events []plog.LogRecord
		ok     bool
	}{
		"all types":                       {&access.Grant{ScopesKnown: true, Scopes: []string{access.ScopeWrite}}, []plog.LogRecord{user, health, textEvent("{broken")}, true},
		"no scope":                        {&access.Grant{ScopesKnown: true}, []plog.LogRecord{user}, false},
		"another scope":                   {&access.Grant{ScopesKnown: true, Scopes: []string{"feedback:read", "feedback:writer"}}, []plog.LogRecord{user}, false},
		"no scope, no event":              {&access.Grant{ScopesKnown: true}, nil, true},
		"its type":                        {oneType, []plog.LogRecord{user, user}, true},
		"another type":                    {oneType, []plog.LogRecord{health}, false},
		"mixed types":                     {oneType, []plog.LogRecord{user, user, health}, false},
		"the type in the name":            {oneType, []plog.LogRecord{named("feedback.user_feedback")}, true},
		"another in the name":             {oneType, []plog.LogRecord{named("feedback.system_health")}, false},
		"no type":                         {oneType, []plog.LogRecord{textEvent(`{"rating":5}`)}, false},
		"a number for a type":             {oneType, []plog.LogRecord{textEvent(`{"type":5}`)}, false},
		"what is no event":                {oneType, []plog.LogRecord{textEvent("{broken")}, false},
		"a prefix alone":                  {&access.Grant{ScopesKnown: true, Scopes: []string{"feedback:write:"}}, []plog.LogRecord{textEvent(`{}`)}, false},
		"presigned, its request":          {byRequest, []plog.LogRecord{user, userText("0199B5A2-0000-7000-8000-00000000000A", "s2")}, true},
		"presigned, another request":      {byRequest, []plog.LogRecord{user, userText(requestB, "s1")}, false},
		"presigned, its session":          {bySession, []plog.LogRecord{userText(requestB, "s1")}, true},
		"presigned, another session":      {bySession, []plog.LogRecord{userText(requestA, "S1")}, false},
		"presigned, another type":         {byRequest, []plog.LogRecord{textEvent(`{"type":"model_response","request_id":"` + requestA + `"}`)}, false},
		"presigned, no id":                {byRequest, []plog.LogRecord{health}, false},
		"presigned, a number for a id":    {byRequest, []plog.LogRecord{textEvent(`{"type":"user_feedback","request_id":7}`)}, false},
		"scopes not known":                {&access.Grant{Subject: "u"}, []plog.LogRecord{health}, true},
		"scopes without an authenticator": {nil, []plog.LogRecord{health}, true},
	} {
		t.Run(name, func(t *testing.T) {
			reached := false
			next, err := consumer.NewLogs(func(context.Context, plog.Logs) error {
				reached = true
				return nil
			})
			require.NoError(t, err)
			h, account := newHost(t, 100, 1<<20)
			ctx := t.Context()
			if tt.grant != nil {
				ctx = as(ctx, access.AuthData(tt.grant))
			}
			err = start(t, h, next).ConsumeLogs(ctx, logsOf(tt.events...))
			if tt.ok {
				require.NoError(t, err)
			} else {
				denied(t, err)
			}
			assert.Equal(t, tt.ok, reached)
			assert.Zero(t, account.Events())
		})
	}
}

func TestScopesRequired(t *testing.T) {
	c := ScopesConfig{Required: true}
	ld := records(1)
	for _, transport := range []string{feedback.TransportHTTP, feedback.TransportGRPC, feedback.TransportOTLP} {
		assert.False(t, c.permits(nil, transport, ld), transport)
		assert.False(t, c.permits(&access.Grant{Subject: "basicauth"}, transport, ld), transport)
		assert.True(t, c.permits(&access.Grant{ScopesKnown: true, Scopes: []string{access.ScopeWrite}}, transport, ld), transport)
	}
	assert.True(t, c.permits(nil, feedback.TransportFile, ld), "nobody to ask")
	assert.True(t, c.permits(nil, feedback.TransportKafka, ld))
	assert.False(t, c.permits(&access.Grant{}, feedback.TransportKafka, ld))
}

// One use for each accepted event; what was not accepted is given back.
func TestUsesOfPresignedTokens(t *testing.T) {
	table := &uses{taken: map[string]int{}}
	grant := &access.Grant{ScopesKnown: true, Presigned: &access.Presigned{
		RequestID: requestA, Types: []string{"user_feedback"}, MaxUses: 3, Uses: table, ID: "t",
	}}
	var refuse []int // positions that validation refuses
	var fail error
	judges := true
	next, err := consumer.NewLogs(func(ctx context.Context, ld plog.Logs) error {
		req := feedback.FromContext(ctx)
		v := req.Verdicts
		if v == nil {
			v = req.Outcome
		}
		require.NotNil(t, v)
		require.Equal(t, ld.LogRecordCount(), v.Len())
		for i := range v.Len() {
			if slices.Contains(refuse, i) {
				v.At(i).Errors = []feedback.Error{{Code: feedback.CodeTooLong}}
			}
		}
		if judges {
			v.MarkJudged()
		}
		ld.ResourceLogs().RemoveIf(func(plog.ResourceLogs) bool { return true }) // as batch does
		return fail
	})
	require.NoError(t, err)
	h, _ := newHost(t, 100, 1<<20)
	p := start(t, h, next)
	send := func(told bool, n int) error {
		events := make([]plog.LogRecord, n)
		for i := range events {
			events[i] = userText(requestA, "s")
		}
		ld := logsOf(events...)
		ctx := as(t.Context(), access.AuthData(grant))
		if told {
			decode(ld, feedback.TransportHTTP)
			ctx = feedback.NewContext(ctx, &feedback.Request{Transport: feedback.TransportHTTP, Verdicts: feedback.NewVerdicts(n)})
		}
		return p.ConsumeLogs(ctx, ld)
	}

	for _, told := range []bool{true, false} {
		table.taken["t"] = 0
		denied(t, send(told, 4)) // not one of them
		assert.Zero(t, table.taken["t"])

		fail = errors.New("no room")
		require.ErrorIs(t, send(told, 3), fail)
		assert.Zero(t, table.taken["t"], "not taken")
		fail, judges = nil, false
		require.NoError(t, send(told, 3))
		assert.Zero(t, table.taken["t"], "nobody judged them")
		judges, refuse = true, []int{1}
		require.NoError(t, send(told, 3))
		assert.Equal(t, 2, table.taken["t"])
		refuse = nil
		denied(t, send(told, 2))
		require.NoError(t, send(told, 1))
		denied(t, send(told, 1))
		assert.Equal(t, 3, table.taken["t"])
	}
}

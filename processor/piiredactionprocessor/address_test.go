// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piiredactionprocessor

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

func TestAddressesAsIDsAreToldOnce(t *testing.T) {
	cfg := defaults()
	cfg.Entities = map[string]string{"email": "keep"} // that is about free text
	f := newFixture(t, cfg)
	for range 3 {
		ld, sl := newLogs()
		m := event(sl, "1", "x").Body().Map()
		m.PutStr("user_id", marker+"@example.com")
		m.PutStr("session_id", marker+"@example.com/2")
		m.PutStr("x", marker+"@example.com")
		event(sl, "2", "x").Body().SetStr("user_id " + marker + "@example.com")
		require.NoError(t, f.ConsumeLogs(context.Background(), ld))
	}
	require.Equal(t, 2, f.logs.Len(), "once for each field")
	assert.Equal(t, map[string]any{"field": "session_id"}, f.logs.All()[0].ContextMap())
	assert.Equal(t, map[string]any{"field": "user_id", "remedy": "user_id: hash"}, f.logs.All()[1].ContextMap())

	require.NoError(t, f.Shutdown(context.Background()))
	require.NoError(t, f.Shutdown(context.Background()))
	require.Equal(t, 4, f.logs.Len(), "and how many there were, at the end")
	assert.Equal(t, map[string]any{"field": "user_id", "events": int64(3)}, f.logs.All()[2].ContextMap())
	assertNoMarker(t, f)
}

func TestNoAddressAsID(t *testing.T) {
	for action, want := range map[string]int{userKeep: 1, userHash: 0, userDrop: 0} {
		cfg := defaults()
		cfg.UserID, cfg.HashKey = action, testKey
		f := newFixture(t, cfg)
		ld, sl := newLogs()
		m := event(sl, "1", "mail a@b.org").Body().Map()
		m.PutStr("user_id", "joe@example.com")
		m.PutStr("session_id", "@joe and others")
		m.PutInt("model_id", 7)
		require.NoError(t, f.ConsumeLogs(context.Background(), ld))
		assert.Equal(t, want, f.logs.Len(), action)
	}
}

func TestCountAttributes(t *testing.T) {
	cfg := defaults()
	cfg.CountAttributes = true
	cfg.Patterns = []PatternConfig{{Name: "Badge", Regex: "B-[0-9]+"}, {Name: "other", Regex: "O-[0-9]+"}}
	f := newFixture(t, cfg)
	ld, sl := newLogs()
	event(sl, "1", "a@b.org, c@d.org from 10.0.0.1, B-12")
	event(sl, "2", "nothing")
	event(sl, "3", "B-12 O-1 B-13")
	require.NoError(t, f.ConsumeLogs(context.Background(), ld))
	got := records(f.sink.AllLogs()[0])
	want := []map[string]any{
		{"feedback.redactions.email": int64(2), "feedback.redactions.ip": int64(1), "feedback.redactions.badge": int64(1)},
		{},
		{"feedback.redactions.badge": int64(2), "feedback.redactions.other": int64(1)},
	}
	for i, lr := range got {
		attrs := lr.Attributes().AsRaw()
		delete(attrs, feedback.AttrRecordUID)
		delete(attrs, feedback.AttrEventType)
		assert.Equal(t, want[i], attrs)
	}
}

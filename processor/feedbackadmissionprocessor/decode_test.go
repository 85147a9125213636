// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

func TestDecodesText(t *testing.T) {
	const broken = `{"type":"` + marker
	ld := plog.NewLogs()
	// Two resources: positions run through them.
	one := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	two := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	one.AppendEmpty().Body().SetStr(eventJSON)
	one.AppendEmpty().Body().SetEmptyMap().PutStr("type", "system_health")
	one.AppendEmpty().Body().SetStr(broken)
	two.AppendEmpty().Body().SetEmptyBytes().FromRaw([]byte(eventJSON))
	two.AppendEmpty().Body().SetEmptyBytes().FromRaw([]byte{'{', 0xff, '}'})
	two.AppendEmpty().Body().SetInt(42)
	two.AppendEmpty()

	got := consume(t, t.Context(), ld)
	assert.Equal(t, []int{len(eventJSON), 0, len(broken), len(eventJSON), 0, 0, 0}, got.request.Sizes)

	one, two = got.logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords(), got.logs.ResourceLogs().At(1).ScopeLogs().At(0).LogRecords()
	for _, lr := range []plog.LogRecord{one.At(0), two.At(0)} {
		require.Equal(t, pcommon.ValueTypeMap, lr.Body().Type())
		session, ok := lr.Body().Map().Get("session_id")
		require.True(t, ok)
		assert.Equal(t, marker, session.Str())
		_, ok = lr.Body().Map().Get(fieldEventID)
		assert.False(t, ok, "ids are validation's to make")
	}
	assert.Equal(t, broken, one.At(2).Body().Str(), "for validation to say what is wrong")
	assert.Equal(t, pcommon.ValueTypeBytes, two.At(1).Body().Type())
	assert.Equal(t, int64(42), two.At(2).Body().Int())
}

func TestMapBodiesNeedNoSizes(t *testing.T) {
	ld := records(1)
	first(ld).Body().SetEmptyMap().PutStr("type", "system_health")
	assert.Nil(t, consume(t, t.Context(), ld).request.Sizes)
}

func TestLeavesTheReceiversRequest(t *testing.T) {
	request := &feedback.Request{Transport: feedback.TransportHTTP, Sizes: []int{7}, Verdicts: feedback.NewVerdicts(1)}
	got := consume(t, feedback.NewContext(t.Context(), request), records(1))
	assert.Same(t, request, got.request)
	assert.Equal(t, eventJSON, first(got.logs).Body().Str(), "it failed to decode before")
}

// scan sends one line as the filelog receiver does and returns the id it got.
func scan(t *testing.T, line string, attributes map[string]any) string {
	t.Helper()
	ld := records(1)
	first(ld).Body().SetStr(line)
	require.NoError(t, first(ld).Attributes().FromRaw(attributes))
	got := consume(t, t.Context(), ld)
	require.Equal(t, feedback.TransportFile, got.request.Transport)
	body := first(got.logs).Body()
	if body.Type() != pcommon.ValueTypeMap {
		assert.Equal(t, line, body.Str())
		return ""
	}
	id, ok := body.Map().Get(fieldEventID)
	if !ok {
		return ""
	}
	return id.AsString()
}

func TestLinesReadTwiceHaveOneID(t *testing.T) {
	at := func(path string, offset any) map[string]any {
		return map[string]any{attrFilePath: path, attrFileName: "b.jsonl", attrFileOffset: offset}
	}
	id := scan(t, eventJSON, at("/a/b.jsonl", 128))
	parsed, err := uuid.Parse(id)
	require.NoError(t, err)
	assert.Equal(t, uuid.Version(8), parsed.Version())
	assert.Equal(t, uuid.RFC4122, parsed.Variant())
	assert.Equal(t, parsed.String(), id, "lower case")
	// Consumers drop duplicates by it across releases: it must never change.
	assert.Equal(t, "d7008f82-b848-889f-8329-366bc0ed7ac4", id)

	assert.Equal(t, id, scan(t, eventJSON, at("/a/b.jsonl", 128)), "again")
	assert.Equal(t, id, scan(t, eventJSON, at("/a/b-1.jsonl", 128)), "rotated in between")
	others := map[string]string{
		"another place":   scan(t, eventJSON, at("/c/b.jsonl", 128)),
		"another offset":  scan(t, eventJSON, at("/a/b.jsonl", 129)),
		"another content": scan(t, eventJSON+" ", at("/a/b.jsonl", 128)),
		"by name alone":   scan(t, eventJSON, map[string]any{attrFileName: "b.jsonl", attrFileOffset: 128}),
	}
	seen := map[string]string{id: "the first"}
	for name, other := range others {
		assert.NotEmpty(t, other, name)
		assert.Empty(t, seen[other], name)
		seen[other] = name
	}
}

func TestLinesThatGetNoID(t *testing.T) {
	const own = "0199b5a2-0000-7000-8000-000000000002"
	at := map[string]any{attrFilePath: "/a", attrFileOffset: 0}
	withID := func(id string) string { return `{"type":"system_health","event_id":` + id + `}` }

	assert.Equal(t, own, scan(t, withID(`"`+own+`"`), at), "its own stays")
	assert.Equal(t, "5", scan(t, withID(`5`), at), "for validation to refuse")
	assert.NotEmpty(t, scan(t, withID(`null`), at), "null is absence")
	assert.Empty(t, scan(t, eventJSON, map[string]any{attrFilePath: "/a"}), "without an offset equal lines could not be told apart")
	assert.Empty(t, scan(t, eventJSON, map[string]any{attrFilePath: "/a", attrFileOffset: "0"}))
	assert.Empty(t, scan(t, "not json", at))
}

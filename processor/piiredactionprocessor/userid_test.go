// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piiredactionprocessor

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
)

const testKey = "0123456789abcdef"

func TestUserID(t *testing.T) {
	for action, want := range map[string]any{userKeep: "joe", userHash: pii.HashValue([]byte(testKey), "joe"), userDrop: nil} {
		cfg := defaults()
		cfg.UserID, cfg.HashKey = action, testKey
		f := newFixture(t, cfg)
		ld, sl := newLogs()
		event(sl, "1", "x").Body().Map().PutEmptyMap("metadata").PutStr("user_id", "not that one")
		require.NoError(t, f.ConsumeLogs(context.Background(), ld))
		raw := records(f.sink.AllLogs()[0])[0].Body().Map().AsRaw()
		assert.Equal(t, want, raw["user_id"], action)
		assert.Equal(t, map[string]any{"user_id": "not that one"}, raw["metadata"])
	}
}

func TestUserIDOtherShapes(t *testing.T) {
	u := userID{action: userHash, key: []byte(testKey)}
	v := pcommon.NewValueMap()
	u.apply(v)
	assert.Zero(t, v.Map().Len(), "absent stays absent")
	v.Map().PutEmpty("user_id")
	u.apply(v)
	assert.Equal(t, map[string]any{"user_id": nil}, v.Map().AsRaw())
	v.Map().PutInt("user_id", 7)
	u.apply(v)
	assert.Equal(t, map[string]any{"user_id": pii.HashValue(u.key, "7")}, v.Map().AsRaw())
	u.apply(pcommon.NewValueInt(7))
}

func TestUserIDInText(t *testing.T) {
	hash := func(s string) string { return `"` + pii.HashValue([]byte(testKey), s) + `"` }
	tests := []struct{ name, in, dropped, hashed string }{
		{"string", `{"user_id": "j\"oe", "a":1,}`, `{"user_id": null, "a":1,}`, `{"user_id": ` + hash(`j"oe`) + `, "a":1,}`},
		{"not ended", `{"user_id":"joe`, `{"user_id":null`, `{"user_id":` + hash(`"joe`)},
		{"number", `{"user_id" : 7}`, `{"user_id" : null}`, `{"user_id" : ` + hash("7") + `}`},
		{"number at the end", `{"user_id":7`, `{"user_id":null`, `{"user_id":` + hash("7")},
		{"null", `{"user_id":null}`, `{"user_id":null}`, `{"user_id":null}`},
		{"nothing", `{"user_id":`, `{"user_id":null`, `{"user_id":null`},
		{"no member", `["user_id", "joe"]`, `["user_id", "joe"]`, `["user_id", "joe"]`},
		{"twice", `{"user_id":"a","user_id":"b"}`, `{"user_id":null,"user_id":null}`, `{"user_id":` + hash("a") + `,"user_id":` + hash("b") + `}`},
		{"escaped name", `{"user\u005fid":"a","\u0075ser_id" : 7`, `{"user\u005fid":null,"\u0075ser_id" : null`, `{"user\u005fid":` + hash("a") + `,"\u0075ser_id" : ` + hash("7")},
		{"none", `{"a":1`, `{"a":1`, `{"a":1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for action, want := range map[string]string{userDrop: tt.dropped, userHash: tt.hashed, userKeep: tt.in} {
				v := pcommon.NewValueStr(tt.in)
				userID{action: action, key: []byte(testKey)}.apply(v)
				assert.Equal(t, want, v.Str(), action)
			}
		})
	}
}

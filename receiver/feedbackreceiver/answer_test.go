// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// What the answer is made of is safe by construction; the answer is JSON even
// if it were not.
func TestAnswersAreAlwaysJSON(t *testing.T) {
	hostile := "\"\\\x00\x1f</script>\u2028\xff"
	v := feedback.NewVerdicts(2)
	v.At(0).EventID = hostile
	v.At(1).EventID = hostile
	v.At(1).Errors = []feedback.Error{{Code: feedback.Code(hostile), Field: hostile, Message: hostile}}
	for range 2 { // the second from the pool
		w := httptest.NewRecorder()
		answerVerdicts(w, v)
		assert.Equal(t, 207, w.Code)
		assert.True(t, json.Valid(w.Body.Bytes()), w.Body.String())
	}
	w := httptest.NewRecorder()
	f := refuseInternal
	f.message = hostile
	answerRefusal(w, f, 0)
	assert.True(t, json.Valid(w.Body.Bytes()), w.Body.String())
}

func TestLargeAnswersAreWhole(t *testing.T) {
	const n = 20_000 // beyond what the pool keeps
	v := feedback.NewVerdicts(n)
	for i := range n {
		v.At(i).EventID = judgedID
	}
	w := httptest.NewRecorder()
	answerVerdicts(w, v)
	var body struct {
		Accepted int
		EventIDs []string `json:"event_ids"`
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	assert.Equal(t, n, body.Accepted)
	assert.Len(t, body.EventIDs, n)
	assert.Equal(t, n, strings.Count(w.Body.String(), judgedID))
}

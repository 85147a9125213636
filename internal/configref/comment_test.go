// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package configref

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseComment(t *testing.T) {
	number := func(v float64) Limit { return Limit{Set: true, Value: v} }
	span := func(d time.Duration) Limit { return Limit{Set: true, Duration: true, Value: float64(d)} }
	for text, want := range map[string]Comment{
		"A is all.":           {Meaning: "A is all."},
		"A is\nall. Unit: B.": {Meaning: "A is all.", Unit: "B"},
		"A. Unit: bytes. Bounds: 1 to 10. Default: 0.5. More.": {Meaning: "A. More.", Unit: "bytes", Bounds: "1 to 10", Min: number(1), Max: number(10), Default: "0.5"},
		"Bounds: at least 1s.":                                 {Bounds: "at least 1s", Min: span(time.Second)},
		"Bounds: at least low.":                                {Bounds: "at least low"},
		"Bounds: more than 0, at most 1m.": {
			Bounds: "more than 0, at most 1m", Min: Limit{Set: true, Exclusive: true}, Max: span(time.Minute),
		},
		"A. One of: a, b. Names: c. Default: a, for each.": {Meaning: "A.", OneOf: []string{"a", "b"}, Names: []string{"c"}, Default: "a, for each"},
		"A must not be empty. Required.":                   {Meaning: "A must not be empty.", Required: true},
		"A.\n\n  - b::c: C. Unit: s.\n  - d: D\n    D.\n": {Meaning: "A.", Inner: map[string]Comment{
			"b::c": {Meaning: "C.", Unit: "s"}, "d": {Meaning: "D D."},
		}},
	} {
		got, err := ParseComment(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{
		"Unit: a. Unit: b.", "One of: a. One of: b.", "Bounds: some.", "Bounds: low to high.", "A.\n  - b: Bounds: some.",
	} {
		_, err := ParseComment(text)
		assert.Error(t, err, text)
	}
}

func TestShortDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Hour: "1h", 90 * time.Second: "1m30s", time.Minute: "1m", 30 * time.Second: "30s",
		20 * time.Minute: "20m", 168 * time.Hour: "168h", 10*time.Hour + time.Second: "10h0m1s", 250 * time.Millisecond: "250ms",
	} {
		assert.Equal(t, want, shortDuration(d))
	}
}

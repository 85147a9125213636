// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/sample"
)

// marker stands for personal data: no error may repeat it.
const marker = "MARKER-9f2c"

func all(t *testing.T, s Source) (texts, where []string, err error) {
	t.Helper()
	for {
		e, err := s.Next()
		if errors.Is(err, io.EOF) {
			return texts, where, nil
		}
		if err != nil {
			return texts, where, err
		}
		text := string(e.Text)
		if e.Oversize {
			text = "OVERSIZE"
		}
		texts, where = append(texts, text), append(where, e.Where)
	}
}

func TestFromReader(t *testing.T) {
	tests := map[string]struct {
		in, format string
		texts      []string
		where      []string
		err        string
	}{
		"nothing":                 {in: ""},
		"blank":                   {in: " \n\r\n\t"},
		"one object":              {in: `{"a":1}`, texts: []string{`{"a":1}`}, where: []string{"event 1"}},
		"one object and line end": {in: "{\"a\":1}\n", texts: []string{`{"a":1}`}, where: []string{"line 1"}},
		"pretty object":           {in: "{\n \"a\": \"x\\ny\"\r\n}\n", texts: []string{`{"a":"x\ny"}`}, where: []string{"event 1"}},
		"pretty objects":          {in: "{\n\"a\":1}\n{\n\"a\":2}", texts: []string{`{"a":1}`, `{"a":2}`}, where: []string{"event 1", "event 2"}},
		"array":                   {in: "\n[{\"a\":1}, 2 ,[3]]\n", texts: []string{`{"a":1}`, `2`, `[3]`}, where: []string{"event 1", "event 2", "event 3"}},
		"arrays":                  {in: `[1][2]`, texts: []string{"1", "2"}, where: []string{"event 1", "event 2"}},
		"empty array":             {in: `[]`},
		"wrapped":                 {in: `{"note":{"events":[9]},"events":[{"a":1},{"a":2}]}`, texts: []string{`{"a":1}`, `{"a":2}`}, where: []string{"event 1", "event 2"}},
		"wrapped on a line":       {in: "{\"events\":[{\"a\":1}]}\n{\"a\":2}\n", texts: []string{`{"a":1}`, `{"a":2}`}, where: []string{"event 1", "event 2"}},
		"an event with events":    {in: `{"type":"x","events":[1]}`, texts: []string{`{"type":"x","events":[1]}`}, where: []string{"event 1"}},
		"lines": {
			in:    "\n{\"a\":1}\r\n\n{broken\n  {\"a\":3}  ",
			texts: []string{`{"a":1}`, `{broken`, `{"a":3}`}, where: []string{"line 2", "line 4", "line 5"},
		},
		"lines by format":  {in: "{broken\n[1]", format: FormatNDJSON, texts: []string{"{broken", "[1]"}, where: []string{"line 1", "line 2"}},
		"json by format":   {in: "1\n2", format: FormatJSON, texts: []string{"1", "2"}, where: []string{"event 1", "event 2"}},
		"byte order mark":  {in: "\ufeff[1]", texts: []string{"1"}, where: []string{"event 1"}},
		"duplicate names":  {in: `[{"a":1,"a":2}]`, texts: []string{`{"a":1,"a":2}`}, where: []string{"event 1"}},
		"cut array":        {in: `[1,{"a":"` + marker, texts: []string{"1"}, where: []string{"event 1"}, err: "in: the JSON ends before it is complete, in or after event 1"},
		"array not closed": {in: `[1`, texts: []string{"1"}, where: []string{"event 1"}, err: "the JSON ends before it is complete"},
		"broken array":     {in: `[1,` + marker + `]`, texts: []string{"1"}, where: []string{"event 1"}, err: "in: no valid JSON at byte 3, after event 1"},
		"not JSON":         {in: marker, err: "no valid JSON at byte 0"},
		"no such format":   {format: "xml", err: `unknown format "xml"`},
		"endless value":    {in: `["` + strings.Repeat("x", MaxEventBytes+100<<10) + `"]`, err: "event 1 is longer than 16 MiB"},
		"long line": {
			in:     "1\n" + strings.Repeat("x", MaxEventBytes+1) + "\n2",
			format: FormatNDJSON, texts: []string{"1", "OVERSIZE", "2"}, where: []string{"line 1", "line 2", "line 3"},
		},
		"long last line": {in: strings.Repeat("x", MaxEventBytes+1), format: FormatNDJSON, texts: []string{"OVERSIZE"}, where: []string{"line 1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.format == "" {
				tt.format = FormatAuto
			}
			var (
				texts, where []string
				s, err       = FromReader(iotest.HalfReader(strings.NewReader(tt.in)), "in", tt.format)
			)
			if err == nil {
				texts, where, err = all(t, s)
			}
			if tt.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tt.err)
				assert.NotContains(t, err.Error(), marker)
			}
			assert.Equal(t, tt.texts, texts)
			assert.Equal(t, tt.where, where)
		})
	}
}

func TestReadErrors(t *testing.T) {
	failed := errors.New("disk on fire")
	for _, format := range []string{FormatAuto, FormatJSON, FormatNDJSON} {
		for _, before := range []string{"", "{\"a\":1}\n", "[1,"} {
			s, err := FromReader(io.MultiReader(strings.NewReader(before), iotest.ErrReader(failed)), "in", format)
			if err == nil {
				_, _, err = all(t, s)
			}
			require.ErrorIs(t, err, failed, "%s after %q", format, before)
		}
	}
}

func TestFromArgs(t *testing.T) {
	s, err := FromArgs([]string{`{"a":1}`, `[2,3]`, "{\n}"})
	require.NoError(t, err)
	texts, where, err := all(t, s)
	require.NoError(t, err)
	assert.Equal(t, []string{`{"a":1}`, "2", "3", "{}"}, texts)
	assert.Equal(t, []string{"event 1", "event 2", "event 3", "event 4"}, where)

	_, err = FromArgs([]string{"1", "{'a':" + marker + "}"})
	require.EqualError(t, err, "argument 2: no valid JSON at byte 1, after event 0")
}

func TestFromSample(t *testing.T) {
	texts, where, err := all(t, FromSample(3, sample.New(1)))
	require.NoError(t, err)
	assert.Len(t, texts, 3)
	assert.Equal(t, "event 3", where[2])
}

func TestEnsureID(t *testing.T) {
	for in, want := range map[string]string{
		`{}`:                           `{"event_id":"ID"}`,
		` {}`:                          ` {}`, // sources trim
		`{"a":1}`:                      `{"event_id":"ID","a":1}`,
		`{ "a" : {"event_id":"x"} }`:   `{"event_id":"ID", "a" : {"event_id":"x"} }`,
		`{"event_id":"x"}`:             `{"event_id":"x"}`,
		`{"a":1,"event_id": "" }`:      `{"a":1,"event_id": "" }`,
		`{"a":1,"event_id": null ,"b"`: `{"a":1,"event_id": null ,"b"`,
		`{"a":1,"event_id": null }`:    `{"a":1,"event_id": "ID" }`,
		`{"event_i\u0064":null,"b":1}`: `{"event_i\u0064":"ID","b":1}`,
		`{"a":1,"a":2}`:                `{"event_id":"ID","a":1,"a":2}`,
		`[]`:                           `[]`,
		`{broken`:                      `{broken`,
		`{} {}`:                        `{} {}`,
		``:                             ``,
	} {
		assert.Equal(t, want, string(EnsureID([]byte(in), func() string { return "ID" })), in)
	}
}

func FuzzFromReader(f *testing.F) {
	f.Add("[1]\n", "auto")
	f.Add("{\"event_id\":null}\n{", "ndjson")
	f.Fuzz(func(_ *testing.T, in, format string) {
		s, err := FromReader(strings.NewReader(in), "in", format)
		for err == nil {
			var e Event
			if e, err = s.Next(); err == nil {
				EnsureID(e.Text, func() string { return "ID" })
			}
		}
	})
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package configref

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

const root = "../.."

var loaded = sync.OnceValues(func() ([]*Component, error) { return Load(root) })

func load(t *testing.T) []*Component {
	t.Helper()
	components, err := loaded()
	require.NoError(t, err)
	return components
}

// name is how a key is spoken of in a failure.
func (c *Component) name(k *Key) string { return c.Section + "::" + c.Type + "::" + k.Path }

const form = `: state it in the field's comment, as "Unit: bytes. Bounds: 1 to 10. Default: 5."`

// Each key of ours has a description and a default that is true; each number a
// unit, or bounds, each duration bounds.
func TestKeysAreDescribed(t *testing.T) {
	for _, c := range load(t) {
		own := 0
		c.Root.Walk(func(k *Key) {
			if !k.Own {
				return
			}
			own++
			name, comment := c.name(k), k.Comment
			assert.NotEmpty(t, comment.Meaning, "%s has no description", name)
			if k.Kind == Object && !k.Off && !k.Optional {
				return // its keys have defaults
			}
			if !assert.True(t, comment.Default != "" || comment.Required, "%s has no default"+form, name) {
				return
			}
			assert.False(t, comment.Default != "" && comment.Required, "%s is required and has a default", name)
			switch k.Kind {
			case Integer, Number:
				assert.NotEmpty(t, comment.Unit, "%s has no unit"+form, name)
				assert.NotEmpty(t, comment.Bounds, "%s has no bounds"+form, name)
			case Duration:
				assert.NotEmpty(t, comment.Bounds, "%s has no bounds"+form, name)
			default:
			}
			if !comment.Required {
				assertDefault(t, name, k)
			}
		})
		assert.Positive(t, own, c.Type)
	}
}

// assertDefault compares what a comment says with what the configuration has.
func assertDefault(t *testing.T, name string, k *Key) {
	t.Helper()
	said := k.Comment.Default
	switch k.Kind {
	case Integer, Number, Boolean:
		assert.Equal(t, k.Default, said, "%s: the comment's default", name)
	case Duration:
		want, err := time.ParseDuration(k.Default)
		require.NoError(t, err)
		got, err := time.ParseDuration(said)
		assert.NoError(t, err, name)
		assert.Equal(t, want, got, "%s: the comment's default", name)
	case String:
		if k.Default != "" {
			assert.Equal(t, k.Default, said, "%s: the comment's default", name)
		}
		if k.Comment.OneOf != nil && k.Default != "" {
			assert.Contains(t, k.Comment.OneOf, k.Default, name)
		}
	default:
		if k.Off || k.Optional {
			assert.Regexp(t, "^(off|none)", said, name)
		}
	}
}

// nested is the configuration in which only this key is set.
func nested(k *Key, value any) map[string]any {
	names := strings.Split(k.Path, "::")
	for _, name := range slices.Backward(names) {
		if list, ok := strings.CutSuffix(name, "[]"); ok {
			value, name = []any{value}, list
		}
		value = map[string]any{name: value}
	}
	return value.(map[string]any)
}

// complaint is what the component says about a key with that value.
func complaint(t *testing.T, c *Component, k *Key, value any) string {
	t.Helper()
	for _, f := range factories() {
		if f.section != c.Section || f.Type().String() != c.Type {
			continue
		}
		config := f.CreateDefaultConfig()
		err := confmap.NewFromStringMap(nested(k, value)).Unmarshal(config)
		if err == nil {
			err = confmap.Validate(config)
		}
		if err == nil {
			return ""
		}
		for line := range strings.Lines(err.Error()) {
			about, _, _ := strings.Cut(line, " must") // behind it may stand another key
			if strings.Contains(about, k.Name) {
				return line
			}
		}
	}
	return ""
}

// The bounds that comments state are those that the components hold to: the last
// value inside is taken, the next one is not.
func TestBoundsAreTrue(t *testing.T) {
	checked := 0
	for _, c := range load(t) {
		c.Root.Walk(func(k *Key) {
			for _, limit := range []struct {
				Limit
				outwards float64
			}{{k.Comment.Min, -1}, {k.Comment.Max, 1}} {
				if !limit.Set {
					continue
				}
				in, out := limit.Value, limit.Value+limit.outwards
				if limit.Exclusive {
					in, out = limit.Value-limit.outwards, limit.Value
				}
				write := func(v float64) any { return int64(v) }
				if k.Kind == Duration {
					write = func(v float64) any { return fmt.Sprintf("%dns", int64(v)) }
				}
				checked++
				assert.NotEmpty(t, complaint(t, c, k, write(out)), "%s takes %v, which is out of its bounds", c.name(k), write(out))
				assert.Empty(t, complaint(t, c, k, write(in)), "%s refuses %v, which is in its bounds", c.name(k), write(in))
			}
		})
	}
	assert.Greater(t, checked, 50)
}

// Closed sets: each value in them is taken, another one is not.
func TestSetsAreTrue(t *testing.T) {
	checked := 0
	for _, c := range load(t) {
		c.Root.Walk(func(k *Key) {
			if k.Comment.OneOf == nil && k.Comment.Names == nil {
				return
			}
			write := func(value string) any {
				if n, err := strconv.Atoi(value); err == nil {
					return n
				}
				return value
			}
			switch k.Kind {
			case List:
				write = func(value string) any { return []any{value} }
			case Map:
				if k.Comment.OneOf == nil {
					for _, name := range k.Comment.Names {
						assert.NotContains(t, complaint(t, c, k, map[string]any{name: "request_id"}), "is not", c.name(k))
					}
					assert.NotEmpty(t, complaint(t, c, k, map[string]any{"nonsense": "request_id"}), c.name(k))
					checked++
					return
				}
				for _, name := range k.Comment.Names {
					assert.NotContains(t, complaint(t, c, k, map[string]any{name: k.Comment.OneOf[0]}), "no such", c.name(k))
				}
				write = func(value string) any { return map[string]any{k.Comment.Names[0]: value} }
			default:
			}
			checked++
			assert.NotEmpty(t, complaint(t, c, k, write("nonsense")), "%s takes nonsense", c.name(k))
			for _, value := range k.Comment.OneOf {
				said := complaint(t, c, k, write(value))
				assert.NotContains(t, said, "expected", "%s refuses %s", c.name(k), value)
				assert.NotContains(t, said, "is none of", "%s refuses %s", c.name(k), value)
			}
		})
	}
	assert.Greater(t, checked, 10)
}

// The pages and the schema in the repository are what the types say now.
func TestWrittenFilesAreUpToDate(t *testing.T) {
	components := load(t)
	for name, want := range Pages(components) {
		got, err := os.ReadFile(filepath.Join(root, "docs", "reference", name))
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got), "%s: run make generate", name)
	}
	want, err := Schema(components)
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(root, "distribution", "schema", "otelcol-feedback.schema.json"))
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "run make generate")
	files, err := filepath.Glob(filepath.Join(root, "docs", "reference", "*.md"))
	require.NoError(t, err)
	assert.Len(t, files, len(components)+1, "a page for each component, and one before them")
}

// What is written is the same whichever way maps are walked.
func TestPagesSayWhatTypesSay(t *testing.T) {
	pages := Pages(load(t))
	for page, wants := range map[string][]string{
		"feedbackruntime.md": {
			"| `capacity` | integer | `10000` | events; at least 1 |",
			"| `audit` | object | off |",
		},
		"feedback.md": {
			"| `max_request_body_size` | integer | `20971520` | bytes; at least 1 |",
			"| `endpoint` | string | `localhost:8080` |",
			"[configtls.ServerConfig](https://pkg.go.dev/go.opentelemetry.io/collector/config/configtls@v",
		},
		"feedbackkafka.md": {
			"| `transactional_id` | string | required |",
			"| `required_acks` | integer | `-1` | `all`, `-1` |",
			"| `brokers` | list of strings | `[localhost:9092]` |",
		},
		"piiredaction.md": {"| `hash_key` | secret | none |"},
	} {
		for _, want := range wants {
			assert.Contains(t, string(pages[page]), want, page)
		}
	}
}

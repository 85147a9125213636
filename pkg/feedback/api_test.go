// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/otelcol-feedback/otelcol-feedback/api"
	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// messageName is the name of a type or object in OpenAPI and protobuf.
func messageName(snake string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(snake, "_") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// property is what the OpenAPI document says of one field.
type property struct {
	Ref        string              `yaml:"$ref"`
	Type       any                 `yaml:"type"`
	Const      string              `yaml:"const"`
	Enum       []*string           `yaml:"enum"`
	Required   []string            `yaml:"required"`
	Properties map[string]property `yaml:"properties"`
	AnyOf      []property          `yaml:"anyOf"`
	OneOf      []property          `yaml:"oneOf"`
	Minimum    *float64            `yaml:"minimum"`
	Maximum    *float64            `yaml:"maximum"`
	MinLength  int                 `yaml:"minLength"`
	MaxLength  int                 `yaml:"maxLength"`
}

func TestOpenAPIAgrees(t *testing.T) {
	var document struct {
		Components struct {
			Schemas map[string]property `yaml:"schemas"`
		} `yaml:"components"`
	}
	require.NoError(t, yaml.Unmarshal(api.OpenAPI, &document))
	schemas := document.Components.Schemas
	resolve := func(p property) property {
		for _, choice := range append(p.AnyOf, p.OneOf...) {
			if choice.Ref != "" {
				p = choice
			}
		}
		if name, ok := strings.CutPrefix(p.Ref, "#/components/schemas/"); ok {
			return schemas[name]
		}
		return p
	}
	for _, s := range feedback.Schemas() {
		p, ok := schemas[messageName(s.Type)]
		require.True(t, ok, s.Type)
		assert.Equal(t, s.Type, p.Properties["type"].Const)
		agree(t, s.Type, s.Fields, p, resolve)
	}
}

// agree compares the fields of an object with what the document says.
func agree(t *testing.T, at string, fields []feedback.Field, p property, resolve func(property) property) {
	t.Helper()
	var names, required []string
	for _, f := range fields {
		names = append(names, f.Name)
		if f.Required {
			required = append(required, f.Name)
		}
		q, where := resolve(p.Properties[f.Name]), at+"."+f.Name
		if f.Name == "type" {
			continue
		}
		types := fmt.Sprint(q.Type)
		want := map[feedback.Kind]string{
			feedback.KindBool: "boolean", feedback.KindInteger: "integer", feedback.KindNumber: "number",
			feedback.KindStringList: "array", feedback.KindObject: "object", feedback.KindStringMap: "object", feedback.KindNumberMap: "object",
		}[f.Kind]
		if want == "" {
			want = "string"
		}
		assert.Contains(t, types, want, where)
		if f.Kind != feedback.KindObject {
			assert.Equal(t, !f.Required, strings.Contains(types, "null"), "%s takes null if optional", where)
		}
		switch f.Kind {
		case feedback.KindInteger, feedback.KindNumber:
			bound(t, f.Min, q.Minimum, where+" minimum")
			if f.Kind == feedback.KindNumber {
				bound(t, f.Max, q.Maximum, where+" maximum")
			}
		case feedback.KindEnum:
			var values []string
			for _, e := range q.Enum {
				if e != nil && *e != "ab_test" {
					values = append(values, *e)
				}
			}
			assert.Equal(t, f.Enum, values, where)
		case feedback.KindString:
			maxLen := f.MaxLen
			if maxLen == 0 {
				maxLen = feedback.DefaultLimits().MaxStringLength
			}
			assert.Equal(t, maxLen, q.MaxLength, where)
			assert.Equal(t, f.Required, q.MinLength == 1, where)
		case feedback.KindObject:
			agree(t, where, f.Fields, q, resolve)
		default: // the type says it all
		}
	}
	var described []string
	for name := range p.Properties {
		described = append(described, name)
	}
	assert.ElementsMatch(t, names, described, at)
	assert.ElementsMatch(t, required, p.Required, at)
}

func bound(t *testing.T, want float64, got *float64, at string) {
	t.Helper()
	if math.IsInf(want, 0) {
		assert.Nil(t, got, at)
		return
	}
	if assert.NotNil(t, got, at) {
		assert.InDelta(t, want, *got, 0, at)
	}
}

func TestProtobufAgrees(t *testing.T) {
	event := (&feedbackv1.FeedbackEvent{}).ProtoReflect().Descriptor()
	oneof := event.Oneofs().ByName("event")
	require.NotNil(t, oneof)
	assert.Equal(t, len(feedback.Schemas()), oneof.Fields().Len())
	for _, s := range feedback.Schemas() {
		field := oneof.Fields().ByName(protoreflect.Name(s.Type))
		require.NotNil(t, field, s.Type)
		assert.Equal(t, messageName(s.Type), string(field.Message().Name()))
		var own []feedback.Field
		for _, f := range s.Fields {
			if event.Fields().ByName(protoreflect.Name(f.Name)) == nil && f.Name != "type" {
				own = append(own, f)
			}
		}
		assert.Len(t, own, len(s.Fields)-5, "event_id, timestamp, trace_id and span_id are the event's, type is the oneof")
		protoAgrees(t, s.Type, own, field.Message())
	}
}

func protoAgrees(t *testing.T, at string, fields []feedback.Field, m protoreflect.MessageDescriptor) {
	t.Helper()
	assert.Equal(t, len(fields), m.Fields().Len(), at)
	for i, f := range fields {
		field := m.Fields().Get(i)
		where := at + "." + f.Name
		require.Equal(t, f.Name, string(field.Name()), "%s: the order of the table", at)
		want := map[feedback.Kind]protoreflect.Kind{
			feedback.KindString: protoreflect.StringKind, feedback.KindUUID: protoreflect.StringKind, feedback.KindEnum: protoreflect.EnumKind,
			feedback.KindBool: protoreflect.BoolKind, feedback.KindInteger: protoreflect.Int64Kind, feedback.KindNumber: protoreflect.DoubleKind,
			feedback.KindObject: protoreflect.MessageKind, feedback.KindStringList: protoreflect.StringKind,
			feedback.KindStringMap: protoreflect.MessageKind, feedback.KindNumberMap: protoreflect.MessageKind,
		}[f.Kind]
		assert.Equal(t, want, field.Kind(), where)
		switch f.Kind {
		case feedback.KindStringList:
			assert.True(t, field.IsList(), where)
		case feedback.KindStringMap, feedback.KindNumberMap:
			assert.True(t, field.IsMap(), where)
		case feedback.KindObject:
			protoAgrees(t, where, f.Fields, field.Message())
		case feedback.KindEnum:
			var values []string
			for j := 1; j < field.Enum().Values().Len(); j++ {
				values = append(values, string(field.Enum().Values().Get(j).Name()))
			}
			for j, e := range f.Enum {
				assert.True(t, strings.HasSuffix(values[j], "_"+strings.ToUpper(e)), "%s: %s", where, values[j])
			}
			assert.Len(t, values, len(f.Enum), where)
		default:
			assert.True(t, field.HasPresence(), "%s: presence is explicit", where)
		}
	}
	assert.False(t, slices.ContainsFunc(fields, func(f feedback.Field) bool { return f.Kind == feedback.KindUnknown }))
}

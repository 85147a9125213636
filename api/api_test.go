// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"encoding/json"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
)

func TestDocuments(t *testing.T) {
	if !bytes.Contains(OpenAPI, []byte("\nopenapi: 3.1.0\n")) {
		t.Error("OpenAPI is no OpenAPI 3.1 document")
	}
	var schema struct {
		Schema string `json:"$schema"`
	}
	if err := json.Unmarshal(JSONSchema, &schema); err != nil {
		t.Fatal(err)
	}
	if want := "https://json-schema.org/draft/2020-12/schema"; schema.Schema != want {
		t.Errorf("$schema is %q, want %q", schema.Schema, want)
	}
}

// Whoever leaves out a field must be told from whoever sends its zero value.
func TestPresenceIsExplicit(t *testing.T) {
	var check func(protoreflect.MessageDescriptor)
	check = func(m protoreflect.MessageDescriptor) {
		fields := m.Fields()
		for i := range fields.Len() {
			f := fields.Get(i)
			if !f.HasPresence() && !f.IsList() && !f.IsMap() {
				t.Errorf("%s has no presence", f.FullName())
			}
			if f.Message() != nil && f.Message().ParentFile() == m.ParentFile() && !f.IsMap() {
				check(f.Message())
			}
		}
	}
	check((&feedbackv1.FeedbackEvent{}).ProtoReflect().Descriptor())
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// wholeConfig is the effective configuration, all defaults filled in. A value has
// the type of the field it is for, or is still text; a protocol that is off is nil.
type wholeConfig map[string]any

// get returns the value at a path and whether there is one.
func (c wholeConfig) get(path ...string) (any, bool) {
	var node any = map[string]any(c)
	for _, name := range path {
		next, ok := section(node)[name]
		if !ok {
			return nil, false
		}
		node = next
	}
	return node, true
}

// at returns the value at a path, or nil.
func (c wholeConfig) at(path ...string) any {
	value, _ := c.get(path...)
	return value
}

// used lists the components of a kind and of one of the types that the service
// names; what is only configured is never started.
func (c wholeConfig) used(kind string, types ...string) []string {
	var ids []string
	if kind == "extensions" {
		ids = texts(c.at("service", "extensions"))
	} else {
		pipelines := section(c.at("service", "pipelines"))
		for _, name := range sortedKeys(pipelines) {
			ids = append(ids, texts(section(pipelines[name])[kind])...)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	return slices.DeleteFunc(ids, func(id string) bool { return !slices.Contains(types, typeOf(id)) })
}

// batchesOfEvents lists the batch processors of the pipelines that feedback
// events go through.
func (c wholeConfig) batchesOfEvents() []string {
	var ids []string
	pipelines := section(c.at("service", "pipelines"))
	for _, name := range sortedKeys(pipelines) {
		processors := texts(section(pipelines[name])["processors"])
		if !slices.ContainsFunc(processors, func(id string) bool { return typeOf(id) == typeAdmission }) {
			continue
		}
		for _, id := range processors {
			if typeOf(id) == typeBatch {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// typeOf is the type in a component's name (feedback/2).
func typeOf(id string) string {
	typ, _, _ := strings.Cut(id, "/")
	return typ
}

// key spells a path as the collector's own messages do.
func key(path ...string) string { return strings.Join(path, "::") }

func section(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

func empty(v any) bool { return text(v) == "" }

func text(v any) string {
	if v == nil {
		return ""
	}
	return strings.TrimSpace(fmt.Sprint(v))
}

func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, entry := range list {
		out = append(out, text(entry))
	}
	return out
}

// number reads a number of any type, or the text of one.
func number(v any) (float64, bool) {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return float64(r.Int()), true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return float64(r.Uint()), true
	case reflect.Float32, reflect.Float64:
		return r.Float(), true
	case reflect.String:
		f, err := strconv.ParseFloat(strings.TrimSpace(r.String()), 64)
		return f, err == nil
	default:
		return 0, false
	}
}

// duration reads a duration, or the text of one.
func duration(v any) (time.Duration, bool) {
	switch d := v.(type) {
	case time.Duration:
		return d, true
	case string:
		parsed, err := time.ParseDuration(strings.TrimSpace(d))
		return parsed, err == nil
	default:
		return 0, false
	}
}

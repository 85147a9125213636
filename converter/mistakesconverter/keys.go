// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package mistakesconverter // import "github.com/otelcol-feedback/otelcol-feedback/converter/mistakesconverter"

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/setting"
)

// ofComponents are the sections that configure components.
var ofComponents = []string{"receivers", "processors", "exporters", "extensions", "connectors"}

// checkKeys finds keys and types that there are not, and values of the wrong type.
func checkKeys(conf *confmap.Conf, whole map[string]any, kinds Kinds, telemetry component.Config) []error {
	errs := unknownKeys(whole, nil, append(ofComponents, "service"))
	for _, kind := range ofComponents {
		errs = append(errs, checkComponents(conf, whole, kind, kinds[kind])...)
	}
	service := section(whole["service"])
	errs = append(errs, unknownKeys(service, []string{"service"}, []string{"extensions", "pipelines", "telemetry"})...)
	pipelines := section(service["pipelines"])
	for _, id := range sortedKeys(pipelines) {
		errs = append(errs, unknownKeys(section(pipelines[id]), []string{"service", "pipelines", id}, []string{"receivers", "processors", "exporters"})...)
	}
	if service["telemetry"] != nil && telemetry != nil {
		errs = append(errs, checkOne(conf, []string{"service", "telemetry"}, telemetry)...)
	}
	return errs
}

func unknownKeys(fields map[string]any, path, names []string) []error {
	var errs []error
	for _, name := range sortedKeys(fields) {
		if !contains(names, name) {
			errs = append(errs, noSuchKey(append(path[:len(path):len(path)], name), names))
		}
	}
	return errs
}

func noSuchKey(path, names []string) error {
	return fmt.Errorf("%s: there is no such key%s", strings.Join(path, "::"), suggest(path[len(path)-1], names))
}

func checkComponents(conf *confmap.Conf, whole map[string]any, kind string, factories map[component.Type]component.Factory) []error {
	var errs []error
	components := section(whole[kind])
	for _, name := range sortedKeys(components) {
		var id component.ID
		if id.UnmarshalText([]byte(name)) != nil {
			continue // the collector says what a name may be
		}
		factory := factories[id.Type()]
		if factory == nil {
			var types []string
			for typ := range factories {
				types = append(types, typ.String())
			}
			errs = append(errs, fmt.Errorf("%s::%s: this collector has no such component%s", kind, name, suggest(id.Type().String(), types)))
			continue
		}
		errs = append(errs, checkOne(conf, []string{kind, name}, factory.CreateDefaultConfig())...)
	}
	return errs
}

// checkOne reads a part of the configuration as the collector will, and puts what
// is said of it into lines with the whole key in front.
func checkOne(conf *confmap.Conf, path []string, cfg component.Config) []error {
	sub := conf
	for _, name := range path {
		var err error
		if sub, err = sub.Sub(name); err != nil {
			return []error{fmt.Errorf("%s: it must have keys of its own, and is a single value or a list", strings.Join(path, "::"))}
		}
	}
	err := sub.Unmarshal(&cfg)
	if err == nil {
		return nil
	}
	return plainErrors(err.Error(), path, keysOf(reflect.TypeOf(cfg), map[reflect.Type]bool{}))
}

var (
	inside   = regexp.MustCompile(`^'([^']*)' decoding failed due to the following error\(s\):$`)
	unknown  = regexp.MustCompile(`^'([^']*)' has invalid keys: (.*)$`)
	of       = regexp.MustCompile(`^(?:error decoding )?'([^']*)':? (.+)$`)
	typeName = regexp.MustCompile(`^\w+\.[A-Z]\w*(\[.*\])?$`) // of the Go type, where a part has no name
)

// plainErrors makes lines of their own out of the decoder's nested ones. What it
// does not understand it leaves to the collector to say.
func plainErrors(message string, path, names []string) []error {
	var errs []error
	for line := range strings.Lines(message) {
		line = strings.TrimSpace(line)
		if line == "" || line == "decoding failed due to the following error(s):" {
			continue
		}
		if m := inside.FindStringSubmatch(line); m != nil {
			path = join(path, m[1])
		} else if m := unknown.FindStringSubmatch(line); m != nil {
			for _, name := range strings.Split(m[2], ", ") {
				errs = append(errs, noSuchKey(join(join(path, m[1]), name), names))
			}
		} else if m := of.FindStringSubmatch(line); m != nil {
			errs = append(errs, fmt.Errorf("%s: %s", setting.Name(join(path, m[1])...), m[2]))
		} else {
			return nil
		}
	}
	return errs
}

// join adds a name of the decoder's (protocols.http) to a path.
func join(path []string, name string) []string {
	path = path[:len(path):len(path)]
	if name == "" || typeName.MatchString(name) {
		return path
	}
	return append(path, strings.Split(name, ".")...)
}

// keysOf are the names of all keys of a type, at any depth.
func keysOf(t reflect.Type, seen map[reflect.Type]bool) []string {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Array:
		return keysOf(t.Elem(), seen)
	case reflect.Struct:
	default:
		return nil
	}
	if seen[t] {
		return nil
	}
	seen[t] = true
	var names []string
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		if name != "" && name != "-" {
			names = append(names, name)
		}
		names = append(names, keysOf(field.Type, seen)...)
	}
	return names
}

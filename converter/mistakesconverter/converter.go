// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package mistakesconverter // import "github.com/otelcol-feedback/otelcol-feedback/converter/mistakesconverter"

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
)

// Kinds are the factories of a distribution: by the section that configures them
// (receivers, processors, …), then by type.
type Kinds map[string]map[component.Type]component.Factory

// known is set by the program, once: a converter is made without settings of its
// own, and only the program knows what is in it.
var known = struct {
	sync.Mutex
	kinds     func() Kinds
	telemetry func() component.Config
}{}

// Know tells which components there are, and how the default configuration of
// service::telemetry is made. Without it, keys and types are not looked at.
func Know(kinds func() Kinds, telemetry func() component.Config) {
	known.Lock()
	defer known.Unlock()
	known.kinds, known.telemetry = kinds, telemetry
}

// NewFactory returns a factory of the converter.
func NewFactory() confmap.ConverterFactory {
	return confmap.NewConverterFactory(func(confmap.ConverterSettings) confmap.Converter { return converter{} })
}

type converter struct{}

// Convert implements confmap.Converter.
func (converter) Convert(_ context.Context, conf *confmap.Conf) error {
	whole := conf.ToStringMap()
	// Where an endpoint is missing, reading the telemetry would panic.
	if err := errors.Join(append(checkListeners(whole), checkTelemetry(whole)...)...); err != nil {
		return err
	}
	known.Lock()
	defer known.Unlock()
	if known.kinds == nil {
		return nil
	}
	return errors.Join(checkKeys(conf, whole, known.kinds(), known.telemetry())...)
}

func section(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

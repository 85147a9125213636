// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/otelcol"

	"github.com/otelcol-feedback/otelcol-feedback/converter/mistakesconverter"
)

// init tells what looks for mistakes in configurations which components, and so
// which keys, there are.
func init() {
	factories := func() otelcol.Factories {
		f, err := components()
		if err != nil {
			return otelcol.Factories{} // the collector says so
		}
		return f
	}
	mistakesconverter.Know(
		func() mistakesconverter.Kinds {
			f := factories()
			return mistakesconverter.Kinds{
				"receivers":  byType(f.Receivers),
				"processors": byType(f.Processors),
				"exporters":  byType(f.Exporters),
				"extensions": byType(f.Extensions),
				"connectors": byType(f.Connectors),
			}
		},
		func() component.Config {
			if f := factories().Telemetry; f != nil {
				return f.CreateDefaultConfig()
			}
			return nil
		},
	)
}

func byType[F component.Factory](factories map[component.Type]F) map[component.Type]component.Factory {
	all := make(map[component.Type]component.Factory, len(factories))
	for typ, factory := range factories {
		all[typ] = factory
	}
	return all
}

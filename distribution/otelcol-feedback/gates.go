// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"go.opentelemetry.io/collector/featuregate"
)

// The other Go files of this folder are generated from builder-config.yaml;
// this one is not, and the builder leaves it alone.

// enabledGates are feature gates that this distribution turns on for everybody.
// "--feature-gates=-<id>" on the command line still turns one off
// (docs/adr/0019-feature-gates-that-delivery-rests-on-are-on.md).
var enabledGates = []string{
	// Without it the filelog receiver moves its file position on before the
	// pipeline has answered, and a kill loses the lines in between.
	"stanza.synchronousLogEmitter",
}

// init runs after every imported package has registered its gates and before
// main reads the flags.
func init() {
	for _, id := range enabledGates {
		if err := featuregate.GlobalRegistry().Set(id, true); err != nil {
			panic(fmt.Sprintf("feature gate %q: %v", id, err))
		}
	}
}

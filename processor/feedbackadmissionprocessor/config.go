// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor"

import "go.opentelemetry.io/collector/component"

// Config of the feedbackadmission processor. It has no keys.
type Config struct {
	// prevent unkeyed literal initialization
	_ struct{}
}

func createDefaultConfig() component.Config { return &Config{} }

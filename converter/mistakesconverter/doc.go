// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package mistakesconverter looks at a configuration before the collector does,
// for mistakes that the collector would not find, or would tell in words that do
// not say which setting to change. It changes nothing.
package mistakesconverter // import "github.com/otelcol-feedback/otelcol-feedback/converter/mistakesconverter"

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Command schemagen writes the JSON Schema of the events to the file it is given.
package main

import (
	"fmt"
	"os"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: schemagen FILE")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], feedback.JSONSchema(), 0o644); err != nil { //nolint:gosec // a source file
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

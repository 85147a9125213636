// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Command configref writes docs/reference and the JSON Schema of the
// configuration from the components' Go types.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/otelcol-feedback/otelcol-feedback/internal/configref"
)

func main() {
	root := flag.String("root", ".", "folder of the repository")
	flag.Parse()
	if err := write(*root); err != nil {
		fmt.Fprintln(os.Stderr, "configref:", err)
		os.Exit(1)
	}
}

func write(root string) error {
	components, err := configref.Load(root)
	if err != nil {
		return err
	}
	schema, err := configref.Schema(components)
	if err != nil {
		return err
	}
	files := map[string][]byte{filepath.Join("distribution", "schema", "otelcol-feedback.schema.json"): schema}
	for name, text := range configref.Pages(components) {
		files[filepath.Join("docs", "reference", name)] = text
	}
	for name, text := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

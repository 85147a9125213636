// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manDate stands in the pages: the same sources give the same bytes.
var manDate = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// newManCommand writes what a package installs; nobody calls it by hand.
func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man FOLDER",
		Short:  "Write the manual pages",
		Args:   cobra.ExactArgs(1),
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // what is distributed may be read
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Section: "1", Source: "otelcol-feedback " + version, Manual: "feedbackctl", Date: &manDate}
			return doc.GenManTree(root, header, args[0])
		},
	}
}

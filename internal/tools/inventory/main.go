// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Command inventory says what is in the built binaries: a bill of materials of
// each, in CycloneDX JSON, and the licences of everything that was linked.
//
// The modules are read from the binary itself, where the linker wrote them down.
// The same binary gives the same bytes: no time, no random number.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ownPrefix is the path of the modules of this repository.
const ownPrefix = "github.com/otelcol-feedback/otelcol-feedback"

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ERROR:", err)
		os.Exit(1)
	}
}

// subject is one binary and the folder of the package it was built from.
type subject struct{ binary, folder string }

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("inventory", flag.ContinueOnError)
	version := flags.String("version", "", "version of the product (required)")
	sboms := flags.String("sbom", "", "folder for the bills of materials, NAME.cdx.json each")
	notices := flags.String("notices", "", "file for the licence texts of third parties")
	list := flags.Bool("list", false, "print each module with its licences")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: inventory -version V [-sbom FOLDER] [-notices FILE] [-list] BINARY=PACKAGE_FOLDER...")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *version == "" || flags.NArg() == 0 {
		return errors.New("-version and at least one BINARY=PACKAGE_FOLDER are required")
	}
	var subjects []subject
	for _, arg := range flags.Args() {
		binary, folder, found := strings.Cut(arg, "=")
		if !found {
			return fmt.Errorf("%s: expected BINARY=PACKAGE_FOLDER", arg)
		}
		subjects = append(subjects, subject{binary, folder})
	}
	return inventory(subjects, *version, *sboms, *notices, *list, out)
}

func inventory(subjects []subject, version, sboms, notices string, list bool, out io.Writer) error {
	classify, err := newClassifier()
	if err != nil {
		return err
	}
	materials := make([]*binary, 0, len(subjects))
	all := map[string]licensed{}
	for _, s := range subjects {
		b, err := readBinary(s.binary)
		if err != nil {
			return err
		}
		if b.licensed, err = licensesOf(b, s.folder, classify); err != nil {
			return err
		}
		for _, l := range b.licensed {
			all[l.module.String()] = merge(all[l.module.String()], l)
		}
		materials = append(materials, b)
	}
	modules := slices.SortedFunc(maps.Values(all), func(a, b licensed) int {
		return strings.Compare(a.module.String(), b.module.String())
	})
	var faults []error
	for _, l := range modules {
		if list {
			fmt.Fprintf(out, "%s %s\n", l.module, l.expression())
		}
		faults = append(faults, l.judge()...)
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	if notices != "" {
		if err := writeFile(notices, func(w io.Writer) error { return writeNotices(w, modules) }); err != nil {
			return err
		}
	}
	if sboms == "" {
		return nil
	}
	for _, b := range materials {
		name := filepath.Join(sboms, b.name+".cdx.json")
		if err := writeFile(name, func(w io.Writer) error { return writeSBOM(w, b, version) }); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes all of a file or leaves it as it was.
func writeFile(name string, write func(io.Writer) error) error {
	var buf bytes.Buffer
	if err := write(&buf); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // what is distributed may be read
		return err
	}
	return os.WriteFile(name, buf.Bytes(), 0o644) //nolint:gosec // what is distributed may be read
}

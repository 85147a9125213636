// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Command release turns built binaries into what is published: an archive for
// each platform, a .deb and an .rpm for each Linux, and checksums of all.
//
// It compiles nothing. The same input gives the same bytes: every file has one
// time, order and owner.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// product is the name of everything that is written.
const product = "otelcol-feedback"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ERROR:", err)
		os.Exit(1)
	}
}

// release says what is made of what.
type release struct {
	version string
	time    time.Time
	root    string // of the repository
	stage   string // OS-ARCH/{binaries,sbom,THIRD_PARTY_LICENSES}, share/{man,completions}
	out     string
}

// platform is one GOOS and GOARCH.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "-" + p.arch }

// binary is a program's file name there.
func (p platform) binary(name string) string {
	if p.os == "windows" {
		return name + ".exe"
	}
	return name
}

func run(args []string) error {
	var r release
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.StringVar(&r.version, "version", "", "version of the product (required)")
	seconds := flags.Int64("time", 0, "time of every file, in seconds since 1970 (SOURCE_DATE_EPOCH)")
	flags.StringVar(&r.root, "root", ".", "folder of the repository")
	flags.StringVar(&r.stage, "stage", "", "folder of the binaries and of what is generated (required)")
	flags.StringVar(&r.out, "out", "", "folder to write to (required)")
	archives := flags.Bool("archives", true, "write an archive for each platform")
	formats := flags.String("formats", "deb,rpm", "packages to write for each Linux, comma-separated")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: release -version V -stage FOLDER -out FOLDER [flags] OS/ARCH...")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if r.version == "" || r.stage == "" || r.out == "" || flags.NArg() == 0 {
		return errors.New("-version, -stage, -out and at least one OS/ARCH are required")
	}
	r.time = time.Unix(*seconds, 0).UTC()
	if err := os.MkdirAll(r.out, 0o755); err != nil { //nolint:gosec // what is distributed may be read
		return err
	}
	for _, target := range flags.Args() {
		system, arch, found := strings.Cut(target, "/")
		if !found {
			return fmt.Errorf("%s: expected OS/ARCH", target)
		}
		if err := r.make(platform{system, arch}, *archives, *formats); err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
	}
	return writeChecksums(r.out)
}

func (r *release) make(p platform, archives bool, formats string) error {
	if archives {
		if err := r.archive(p); err != nil {
			return err
		}
	}
	if formats == "" || p.os != "linux" {
		return nil
	}
	for format := range strings.SplitSeq(formats, ",") {
		if err := r.pack(p, format); err != nil {
			return fmt.Errorf("%s: %w", format, err)
		}
	}
	return nil
}

// entry is a file of the repository or the stage, and its place in what is made.
type entry struct{ source, name string }

// below lists the files of a folder under a name, in order.
func below(folder, name string) ([]entry, error) {
	var list []entry
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(folder, path)
		list = append(list, entry{path, filepath.ToSlash(filepath.Join(name, rel))})
		return err
	})
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%s is empty", folder)
	}
	return list, err
}

// configurations are those that a collector in service is started with: not
// the quick start, whose broker forgets everything.
func (r *release) configurations(name string) ([]entry, error) {
	list, err := below(filepath.Join(r.root, "config"), name)
	return slices.DeleteFunc(list, func(e entry) bool {
		return filepath.Ext(e.source) != ".yaml" || filepath.Base(e.source) == "quickstart.yaml"
	}), err
}

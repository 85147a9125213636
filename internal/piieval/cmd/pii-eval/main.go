// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Command pii-eval measures how well personal data is found.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/otelcol-feedback/otelcol-feedback/internal/piieval"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "pii-eval:", err)
		os.Exit(1)
	}
}

type options struct {
	seed    uint64
	asJSON  bool
	verbose bool
	regexes bool
	write   string
	other   string
	name    string
}

func run(args []string, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("pii-eval", flag.ContinueOnError)
	flags.Uint64Var(&o.seed, "seed", piieval.Seed, "seed of the generated hard set")
	flags.BoolVar(&o.asJSON, "json", false, "print JSON instead of tables")
	flags.BoolVar(&o.verbose, "v", false, "print what was missed, and what was found where there is nothing")
	flags.BoolVar(&o.regexes, "regexes", false, "measure the architecture document's four regular expressions too")
	flags.StringVar(&o.write, "write", "", "write the hard set to this file and stop")
	flags.StringVar(&o.other, "findings", "", "measure the findings on the first set that another program wrote to this file")
	flags.StringVar(&o.name, "name", "other", "name of that program")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: pii-eval [flags] [file.jsonl ...]\nWithout files: the hard set. A line of a file: {\"text\": …, \"spans\": [[label, start, end], …]}, in characters.")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	hard := piieval.Hard(o.seed)
	if o.write != "" {
		f, err := os.Create(o.write)
		if err != nil {
			return err
		}
		return errors.Join(piieval.Write(f, hard), f.Close())
	}
	sets := []set{{"hard", hard}}
	if flags.NArg() > 0 {
		sets = nil
	}
	for _, name := range flags.Args() {
		samples, err := readFile(name)
		if err != nil {
			return err
		}
		sets = append(sets, set{filepath.Base(name), samples})
	}
	return report(o, sets, out)
}

type set struct {
	name    string
	samples []piieval.Sample
}

func report(o options, sets []set, out io.Writer) error {
	var log io.Writer
	if o.verbose {
		log = out
	}
	var results []piieval.Result
	for _, s := range sets {
		ours := &piieval.Ours{Engine: pii.NewDefault()}
		piieval.Measure("", ours, s.samples, nil) // warms up
		results = append(results, piieval.Measure("ours, "+s.name, ours, s.samples, log))
		if o.regexes {
			results = append(results, piieval.Measure("four regular expressions, "+s.name, piieval.FourRegexes{}, s.samples, nil))
		}
	}
	if o.other != "" {
		found, micros, err := readFindings(o.other)
		if err != nil {
			return err
		}
		r := piieval.Measure(o.name+", "+sets[0].name, found, sets[0].samples, nil)
		r.Micros = micros
		results = append(results, r)
	}
	if o.asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(results)
	}
	for _, r := range results {
		r.Print(out)
	}
	return nil
}

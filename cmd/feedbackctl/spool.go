// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/console"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

const (
	envSpoolDirectory     = "COLLECTOR_SPOOL__DIRECTORY"
	defaultSpoolDirectory = "./data/spool"
)

// errDamaged ends a command that has said already what is damaged.
var errDamaged = errors.New("the spool is damaged")

type spoolFlags struct {
	directory string
	output    string
}

// spoolReport is what both commands print as JSON.
type spoolReport struct {
	Directory string            `json:"directory"`
	InUse     bool              `json:"in_use"`
	Entries   int               `json:"entries"`
	Bytes     int64             `json:"bytes"`
	Oldest    *time.Time        `json:"oldest,omitempty"`
	Damaged   int               `json:"damaged"`
	Marks     map[string]string `json:"marks"`
	Lanes     []laneReport      `json:"lanes"`
	// Only of verify:
	Checked *int           `json:"checked,omitempty"`
	Damage  []damageReport `json:"damage,omitempty"`
}

type laneReport struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Entries   int       `json:"entries"`
	Bytes     int64     `json:"bytes"`
	Oldest    time.Time `json:"oldest"`
}

type damageReport struct {
	File    string `json:"file"`
	Offset  int64  `json:"offset"`
	Bytes   int64  `json:"bytes"`
	Entries int    `json:"entries"`
	Reason  string `json:"reason"`
	Kept    string `json:"kept,omitempty"`
}

func newSpoolCommand(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "spool",
		Short: "Look at what a collector keeps on disk while Kafka is away, or send it",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no command %q", "spool "+args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSpoolStatusCommand(s), newSpoolVerifyCommand(s), newSpoolWaitCommand(s), newSpoolDrainCommand(s), newSpoolOwnCommand(s))
	return cmd
}

func newSpoolStatusCommand(s streams) *cobra.Command {
	var f spoolFlags
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Print how many events a spool holds, of which partitions, and since when",
		Long: `Print how many events a spool holds, of which partitions, and since when; whether
a collector has it in use; and how many damaged pieces were set aside in its
directory "damaged". It changes nothing, also while a collector is running.`,
		Example: `  feedbackctl spool status --directory /var/lib/otelcol-feedback/spool
  feedbackctl spool status --output json | jq .entries`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return f.status(s) },
	}
	f.register(cmd, s)
	return cmd
}

func newSpoolVerifyCommand(s streams) *cobra.Command {
	var f spoolFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Read every event of a spool and say what is damaged",
		Long: `Read every event of a spool and say what is damaged: where, how many events are
lost by it if that can be told, and where the collector kept a copy of the piece.
It changes nothing; a collector that starts sets damaged pieces aside in the
directory "damaged" and delivers the rest. The exit code is 1 as long as a damaged
piece is there: look at those set aside, then remove them.`,
		Example: `  feedbackctl spool verify --directory /var/lib/otelcol-feedback/spool`,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.verify(cmd.Context(), s) },
	}
	f.register(cmd, s)
	return cmd
}

func (f *spoolFlags) register(cmd *cobra.Command, s streams) {
	fs := cmd.Flags()
	fs.SortFlags = false
	registerDirectory(fs, s, &f.directory)
	fs.StringVarP(&f.output, "output", "o", outputText, "text or json")
}

func registerDirectory(fs *pflag.FlagSet, s streams, directory *string) {
	otherwise := s.getenv(envSpoolDirectory)
	if otherwise == "" {
		otherwise = defaultSpoolDirectory
	}
	fs.StringVarP(directory, "directory", "d", otherwise, "the spool's directory ($"+envSpoolDirectory+")")
}

// open opens the spool for a look at it.
func (f *spoolFlags) open() (*spool.Spool, *spoolReport, error) {
	switch {
	case f.directory == "":
		return nil, nil, usagef("--directory must not be empty")
	case f.output != outputText && f.output != outputJSON:
		return nil, nil, usagef("--output %q: use text or json", f.output)
	}
	sp, err := spool.Open(f.directory, spool.Options{ReadOnly: true})
	if err != nil {
		return nil, nil, err
	}
	stats := sp.Stats()
	r := &spoolReport{
		Directory: f.directory, InUse: sp.Locked(), Entries: stats.Entries, Bytes: stats.Bytes,
		Damaged: stats.Damaged, Marks: sp.Mark(), Lanes: []laneReport{},
	}
	if !stats.Oldest.IsZero() {
		oldest := stats.Oldest.UTC()
		r.Oldest = &oldest
	}
	for _, l := range sp.LaneStats() {
		r.Lanes = append(r.Lanes, laneReport{l.Lane.Topic, l.Lane.Partition, l.Entries, l.Bytes, l.Oldest.UTC()})
	}
	return sp, r, nil
}

func (f *spoolFlags) status(s streams) error {
	sp, report, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = sp.Close() }() // nothing was written
	if f.output == outputJSON {
		return writeJSON(s.out, report)
	}
	report.write(s.out, time.Now())
	return nil
}

func (f *spoolFlags) verify(ctx context.Context, s streams) error {
	sp, report, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = sp.Close() }() // nothing was written
	checked, err := readAll(ctx, sp)
	if err != nil {
		return err
	}
	report.Checked, report.Damaged = &checked, sp.Stats().Damaged
	for _, d := range sp.Damage() {
		report.Damage = append(report.Damage, damageReport{d.Path, d.Offset, d.Bytes, d.Entries, d.Reason, d.Kept})
	}
	if f.output == outputJSON {
		err = writeJSON(s.out, report)
	} else {
		report.writeVerified(s.out)
	}
	if err == nil && report.Damaged+len(report.Damage) > 0 {
		return errDamaged
	}
	return err
}

// readAll reads every entry.
func readAll(ctx context.Context, sp *spool.Spool) (n int, err error) {
	for _, id := range sp.Lanes() {
		for after := spool.Position(0); ; {
			got, err := sp.Read(id, after, 0, 0)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return n, err
			}
			if len(got) == 0 {
				break
			}
			n += len(got)
			after = got[len(got)-1].Position
		}
	}
	return n, nil
}

func writeJSON(out io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = out.Write(append(text, '\n'))
	return err
}

// write prints the report for people.
func (r *spoolReport) write(out io.Writer, now time.Time) {
	use := "by no process"
	if r.InUse {
		use = "by a running collector"
	}
	fmt.Fprintf(out, "in use:   %s\n", use)
	fmt.Fprintf(out, "events:   %d, %s on disk\n", r.Entries, mebibytes(r.Bytes))
	if r.Oldest != nil {
		fmt.Fprintf(out, "oldest:   %s (%s ago)\n", r.Oldest.Format(time.RFC3339), now.Sub(*r.Oldest).Round(time.Second))
	}
	fmt.Fprintf(out, "damaged:  %s\n", r.damagedPieces())
	if len(r.Lanes) == 0 {
		return
	}
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TOPIC\tPARTITION\tEVENTS\tON DISK\tOLDEST")
	for _, l := range r.Lanes {
		topic, partition := console.Clean(l.Topic), "all"
		if topic == "" {
			topic = "(exactly-once)"
		}
		if l.Partition >= 0 {
			partition = strconv.Itoa(int(l.Partition))
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\n", topic, partition, l.Entries, mebibytes(l.Bytes), l.Oldest.Format(time.RFC3339))
	}
	_ = table.Flush() // as with every line above: who does not read misses it
}

func (r *spoolReport) damagedPieces() string {
	switch r.Damaged {
	case 0:
		return "nothing"
	case 1:
		return "1 piece"
	}
	return fmt.Sprintf("%d pieces", r.Damaged)
}

func (r *spoolReport) writeVerified(out io.Writer) {
	fmt.Fprintf(out, "checked %d events, damaged: %s\n", *r.Checked, r.damagedPieces())
	for _, d := range r.Damage {
		fmt.Fprintf(out, "\n%s, %d bytes at %d: %s\n", console.Clean(d.File), d.Bytes, d.Offset, d.Reason)
		if d.Entries > 0 {
			fmt.Fprintf(out, "  events lost: %d\n", d.Entries)
		}
		if d.Kept != "" {
			fmt.Fprintf(out, "  copy: %s\n", console.Clean(d.Kept))
		}
	}
	if earlier := r.Damaged - len(r.Damage); earlier > 0 {
		fmt.Fprintf(out, "\nset aside earlier: %d, in the directory \"damaged\"\n", earlier)
	}
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/console"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/dlq"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/kafka"
)

func newDLQCommand(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "List, show and replay what was refused (the dead-letter topic)",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDLQListCommand(s), newDLQShowCommand(s), newDLQReplayCommand(s))
	return cmd
}

// dlqFlags are common to the commands.
type dlqFlags struct {
	kafka  kafka.Flags
	topic  string
	output string

	codes, stages, types []string
	since                string
	limit                int
}

func (f *dlqFlags) registerTopic(fs *pflag.FlagSet, s streams) {
	fs.StringVarP(&f.topic, "topic", "t", envOr(s, envDeadLetterTopic, defaultDeadLetterTopic), "dead-letter topic ($"+envDeadLetterTopic+")")
}

func (f *dlqFlags) registerFilter(fs *pflag.FlagSet, limit int, limitHelp string) {
	fs.StringArrayVar(&f.codes, "code", nil, "only this error code; may be repeated")
	fs.StringArrayVar(&f.stages, "stage", nil, "only this stage: validation or kafka; may be repeated")
	fs.StringArrayVar(&f.types, "type", nil, "only this event type, or unknown; may be repeated")
	fs.StringVar(&f.since, "since", "", "only what was refused at this time or later: RFC 3339, or a duration back from now (24h)")
	fs.IntVar(&f.limit, "limit", limit, limitHelp)
}

// source checks the flags and opens nothing yet.
func (f *dlqFlags) source(args []string, now time.Time) (dlq.Topic, *dlq.Filter, error) {
	filter := &dlq.Filter{Codes: f.codes, Stages: f.stages, Types: f.types}
	fail := func(err error) (dlq.Topic, *dlq.Filter, error) { return dlq.Topic{}, nil, err }
	switch {
	case f.topic == "":
		return fail(usagef("--topic must not be empty"))
	case f.limit < 0:
		return fail(usagef("--limit must not be negative"))
	}
	if err := checkOutput(f.output); err != nil {
		return fail(err)
	}
	if f.since != "" {
		var err error
		if filter.Since, err = parseSince(f.since, now); err != nil {
			return fail(err)
		}
	}
	for _, a := range args {
		if p, ok := dlq.ParsePosition(a); ok {
			filter.Positions = append(filter.Positions, p)
		} else if id, err := uuid.Parse(a); err == nil {
			filter.EventIDs = append(filter.EventIDs, id.String())
		} else {
			return fail(usagef("%q is neither PARTITION:OFFSET nor an event_id", a))
		}
	}
	client, err := f.kafka.Options()
	if err != nil {
		return fail(usageError{err})
	}
	return dlq.Topic{Client: client, Name: f.topic}, filter, nil
}

func parseSince(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, usagef("--since %q: give a duration (24h) or an RFC 3339 time", text)
	}
	return t, nil
}

// quietly takes a reader of the output that has gone away as the end.
func quietly(err error) error {
	if errors.Is(err, errEnough) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}

// plural is a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// writeCounts writes a table of how many there are of each, the most first.
func writeCounts(out io.Writer, title string, counts map[string]int) {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		if a < b {
			return -1
		}
		return 1
	})
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%s\tCOUNT\n", title)
	for _, n := range names {
		fmt.Fprintf(table, "%s\t%d\n", orDash(n), counts[n])
	}
	_ = table.Flush() // who does not read misses it
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return console.Clean(text)
}

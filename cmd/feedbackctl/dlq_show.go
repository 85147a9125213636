// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/console"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/dlq"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/record"
)

func newDLQShowCommand(s streams) *cobra.Command {
	var f dlqFlags
	cmd := &cobra.Command{
		Use:   "show PARTITION:OFFSET | EVENT_ID ...",
		Short: "Show whole dead letters with their headers",
		Long: `Show whole dead letters: key, headers, and the value with the original event, in
which personal data has been replaced.

With an event_id all dead letters of that event are shown. The exit code is 1 if
one that was named is not there.`,
		Example: `  feedbackctl dlq show 2:17
  feedbackctl dlq show 0197f5c4-6f2a-7c31-b1a0-5d6c7e8f9a0b --output json | jq .value.original_event`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("name PARTITION:OFFSET or an event_id")
			}
			return f.show(cmd.Context(), s, args)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	f.registerTopic(fs, s)
	fs.StringVarP(&f.output, "output", "o", outputText, "text or json (one object a line, as tail writes it)")
	f.kafka.Register(fs, s.getenv)
	return cmd
}

func (f *dlqFlags) show(ctx context.Context, s streams, args []string) error {
	topic, filter, err := f.source(args, time.Now())
	if err != nil {
		return err
	}
	marks, err := marksToRead(ctx, s, topic)
	if err != nil {
		return err
	}
	style := console.NewStyle(s.out, s.getenv)
	lines, err := record.NewWriter(s.out, record.FormatJSON, style)
	if err != nil {
		return err
	}
	missing := map[string]bool{}
	for _, p := range filter.Positions {
		missing[p.String()] = true
	}
	for _, id := range filter.EventIDs {
		missing[id] = true
	}
	err = topic.Read(ctx, filter, func(l *dlq.Letter, chosen bool) error {
		if !chosen {
			return nil
		}
		delete(missing, l.Position.String())
		delete(missing, strings.ToLower(l.EventID))
		if f.output == outputJSON {
			err = lines.Write(l.Record)
		} else {
			err = writeLetter(s.out, style, l, stateOf(l, marks))
		}
		if err == nil && len(missing) == 0 && len(filter.EventIDs) == 0 {
			return errEnough
		}
		return err
	})
	if err = quietly(err); err != nil {
		return err
	}
	for _, a := range args {
		if missing[strings.ToLower(a)] {
			fmt.Fprintf(s.err, "%s is not in %s: it has expired, or never was\n", console.Clean(a), console.Clean(f.topic))
		}
	}
	if len(missing) > 0 {
		return errRejected
	}
	return nil
}

func writeLetter(out io.Writer, style console.Style, l *dlq.Letter, state string) error {
	var b strings.Builder
	line := func(name, value string) {
		fmt.Fprintf(&b, "%s %s\n", style.Dim(fmt.Sprintf("%-18s", name)), console.Clean(value))
	}
	fmt.Fprintln(&b, style.Key(fmt.Sprintf("%s %s", console.Clean(l.Record.Topic), l.Position)))
	line("state", state)
	line("written", l.Record.Timestamp.UTC().Format(time.RFC3339Nano))
	if l.Record.Key != nil {
		line("key", string(l.Record.Key))
	}
	for _, h := range l.Record.Headers {
		line(console.Clean(h.Key), string(h.Value))
	}
	value := jsontext.Value(append([]byte(nil), l.Record.Value...))
	if value.Indent(jsontext.AllowDuplicateNames(true), jsontext.WithIndent("  ")) != nil {
		line("value", string(l.Record.Value))
	} else {
		for v := range strings.Lines(string(value)) {
			b.WriteString(console.Clean(strings.TrimSuffix(v, "\n")) + "\n")
		}
	}
	b.WriteString("\n")
	_, err := io.WriteString(out, b.String())
	return err
}

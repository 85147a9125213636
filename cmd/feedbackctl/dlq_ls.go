// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/dlq"
)

func newDLQListCommand(s streams) *cobra.Command {
	var f dlqFlags
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List dead letters, and count them by code",
		Long: `List dead letters, one line each, the newest last: partition:offset, when and at
which stage the event was refused, the error code, the event's type and id, the
record's size in bytes, and its state: new, replayed, cut (its original was too
large to be kept whole), no original, or foreign (another program wrote it). Then
they are counted by code.

It joins no consumer group and changes nothing.`,
		Example: `  feedbackctl dlq ls
  feedbackctl dlq ls --since 24h --code out_of_range --code missing_field
  feedbackctl dlq ls --stage kafka --output json | jq -r .event_id`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.list(cmd.Context(), s) },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	f.registerTopic(fs, s)
	f.registerFilter(fs, 100, "list so many, the newest; 0 lists all; all are counted")
	fs.StringVarP(&f.output, "output", "o", outputText, "text or json (one object a line, no counts)")
	f.kafka.Register(fs, s.getenv)
	return cmd
}

// row is a line of the list.
type row struct {
	Position string    `json:"position"`
	FailedAt time.Time `json:"failed_at"`
	Stage    string    `json:"stage"`
	Code     string    `json:"code"`
	Type     string    `json:"type"`
	EventID  string    `json:"event_id,omitempty"`
	Size     int       `json:"size"`
	State    string    `json:"state"`

	at dlq.Position
}

func (f *dlqFlags) list(ctx context.Context, s streams) error {
	topic, filter, err := f.source(nil, time.Now())
	if err != nil {
		return err
	}
	marks, err := marksToRead(ctx, s, topic)
	if err != nil {
		return err
	}
	var rows []row
	counts := map[string]int{}
	err = topic.Read(ctx, filter, func(l *dlq.Letter, chosen bool) error {
		if !chosen {
			return nil
		}
		counts[l.Code]++
		rows = append(rows, row{
			Position: l.Position.String(), FailedAt: l.FailedAt.UTC(), Stage: l.Stage, Code: l.Code, Type: l.Type,
			EventID: l.EventID, Size: len(l.Record.Value), State: stateOf(l, marks), at: l.Position,
		})
		if f.limit > 0 && len(rows) >= 2*f.limit+1000 {
			rows = newest(rows, f.limit) // what is kept is bounded
		}
		return nil
	})
	if err != nil {
		return err
	}
	total := 0
	for _, n := range counts {
		total += n
	}
	rows = newest(rows, f.limit)
	if f.output == outputJSON {
		enc := json.NewEncoder(s.out)
		enc.SetEscapeHTML(false)
		for i := range rows {
			if err := enc.Encode(&rows[i]); err != nil {
				return quietly(err)
			}
		}
		return nil
	}
	writeList(s.out, rows, counts, total)
	return nil
}

// newest sorts the rows by time and leaves the last ones; limit 0 leaves all.
func newest(rows []row, limit int) []row {
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(a.FailedAt.Compare(b.FailedAt), cmp.Compare(a.at.Partition, b.at.Partition), cmp.Compare(a.at.Offset, b.at.Offset))
	})
	if limit > 0 && len(rows) > limit {
		rows = slices.Clone(rows[len(rows)-limit:])
	}
	return rows
}

func writeList(out io.Writer, rows []row, counts map[string]int, total int) {
	if total == 0 {
		fmt.Fprintln(out, "no dead letters")
		return
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "POSITION\tREFUSED AT\tSTAGE\tCODE\tTYPE\tEVENT ID\tSIZE\tSTATE")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", r.Position, r.FailedAt.Format("2006-01-02T15:04:05Z"),
			orDash(r.Stage), orDash(r.Code), orDash(r.Type), orDash(r.EventID), r.Size, r.State)
	}
	_ = table.Flush() // who does not read misses it
	if len(rows) < total {
		fmt.Fprintf(out, "… and %d older ones (--limit)\n", total-len(rows))
	}
	fmt.Fprintln(out)
	writeCounts(out, "CODE", counts)
}

// The states.
const (
	stateNew        = "new"
	stateReplayed   = "replayed"
	stateCut        = "cut"
	stateNoOriginal = "no original"
	stateForeign    = "foreign"
)

func stateOf(l *dlq.Letter, marks map[int32]*dlq.Marks) string {
	switch m := marks[l.Partition]; {
	case l.Foreign:
		return stateForeign
	case l.Truncated:
		return stateCut
	case l.Unreplayable() != "":
		return stateNoOriginal
	case m != nil && m.Has(l.Offset):
		return stateReplayed
	default:
		return stateNew
	}
}

// marksToRead is loadMarks for who may look only: without the right to see the
// group nothing counts as replayed, and that is said.
func marksToRead(ctx context.Context, s streams, topic dlq.Topic) (map[int32]*dlq.Marks, error) {
	marks, err := loadMarks(ctx, topic)
	if errors.Is(err, kerr.GroupAuthorizationFailed) {
		fmt.Fprintf(s.err, "what was replayed is not shown: that needs Describe on the group %s\n", dlq.Group)
		return nil, nil
	}
	return marks, err
}

// loadMarks reads what was replayed.
func loadMarks(ctx context.Context, topic dlq.Topic) (map[int32]*dlq.Marks, error) {
	client, err := kgo.NewClient(append(slices.Clone(topic.Client), kgo.RequestRetries(2), kgo.RetryTimeout(adminTimeout))...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	return dlq.LoadMarks(ctx, client, topic.Name, false)
}

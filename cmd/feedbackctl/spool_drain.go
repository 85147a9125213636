// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/console"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/drain"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/kafka"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

type drainFlags struct {
	directory string
	kafka     kafka.Flags
}

func newSpoolDrainCommand(s streams) *cobra.Command {
	var f drainFlags
	cmd := &cobra.Command{
		Use:   "drain",
		Short: "Send what a spool holds to Kafka, for a collector that is not running",
		Long: `Send what a spool holds to Kafka, each partition in its order, and take out what
Kafka has acknowledged (acks=all). For a collector that will not run again, or will
run in another mode; one that runs drains its spool itself, and this command then
refuses. So it does for events of exactly-once mode, which only a collector with
their configuration can send exactly once.

It ends with the first event that Kafka does not take; what was not acknowledged
stays. Should it be killed, at most the 500 events under way are sent again the
next time: consumers recognise them by their event_id.`,
		Example: `  feedbackctl spool drain --directory /var/lib/otelcol-feedback/spool --brokers kafka-1:9092`,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), s) },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	registerDirectory(fs, s, &f.directory)
	f.kafka.Register(fs, s.getenv)
	return cmd
}

func (f *drainFlags) run(ctx context.Context, s streams) (err error) {
	if f.directory == "" {
		return usagef("--directory must not be empty")
	}
	client, err := f.kafka.Options()
	if err != nil {
		return usageError{err}
	}
	if _, err := os.Stat(f.directory); err != nil { // to be opened, it would be made
		return err
	}
	sp, err := spool.Open(f.directory, spool.Options{Fsync: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sp.Close()) }()
	progress := console.NewProgress(s.err)
	sent, err := drain.Run(ctx, drain.Config{Spool: sp, Client: client, Progress: func(sent, left int) {
		progress.Update(func(elapsed time.Duration) string {
			return fmt.Sprintf("%d sent, %d left, %.0f/s", sent, left, float64(sent)/elapsed.Seconds())
		})
	}})
	progress.Clear()
	if errors.Is(err, drain.ErrTransactions) {
		return fmt.Errorf("%s: %w", f.directory, err)
	}
	stats := sp.Stats()
	fmt.Fprintf(s.out, "sent %d, left %d\n", sent, stats.Entries)
	if damaged := sp.Damage(); len(damaged) > 0 {
		fmt.Fprintf(s.err, "damaged pieces were set aside: %d; see feedbackctl spool verify\n", len(damaged))
	}
	return err
}

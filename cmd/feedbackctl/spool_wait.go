// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// errNotEmpty ends a command that has said already what is left in the spool.
var errNotEmpty = errors.New("the spool is not empty")

const (
	// waitInterval is the pause between two looks at the spool.
	waitInterval = 500 * time.Millisecond
	// waitShare bounds what looking costs: a pause is at least so many times as
	// long as the look before it took (a look reads what the spool holds).
	waitShare = 10
)

type waitFlags struct {
	spoolFlags

	timeout time.Duration
}

func newSpoolWaitCommand(s streams) *cobra.Command {
	var f waitFlags
	cmd := &cobra.Command{
		Use:   "wait",
		Short: "Wait until a running collector has emptied its spool",
		Long: `Wait until a running collector has emptied its spool: the exit code is then 0. It is
1 when --timeout is over, or no collector is running that could empty it, and
events are left; they stay in the spool. It changes nothing.

For a hook before a collector is stopped for good, or its disk goes away (preStop
in Kubernetes, ExecStop in systemd).`,
		Example: `  feedbackctl spool wait --directory /var/lib/otelcol-feedback/spool --timeout 60s`,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.wait(cmd.Context(), s) },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	registerDirectory(fs, s, &f.directory)
	fs.DurationVar(&f.timeout, "timeout", time.Minute, "how long to wait; 0: look once")
	return cmd
}

func (f *waitFlags) wait(ctx context.Context, s streams) error {
	if f.timeout < 0 {
		return usagef("--timeout must not be negative")
	}
	f.output = outputText
	begin := time.Now()
	for {
		look := time.Now()
		report, err := f.look()
		if err != nil {
			return err
		}
		if report.Entries == 0 {
			fmt.Fprintf(s.out, "the spool is empty, after %s\n", time.Since(begin).Round(time.Millisecond))
			return nil
		}
		left := f.timeout - time.Since(begin)
		switch {
		case !report.InUse:
			fmt.Fprintf(s.out, "%d events are left, and no collector is running that could send them\n", report.Entries)
			return errNotEmpty
		case left <= 0:
			fmt.Fprintf(s.out, "%d events are left after %s\n", report.Entries, f.timeout)
			return errNotEmpty
		}
		timer := time.NewTimer(min(left, max(waitInterval, waitShare*time.Since(look))))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// look is what the spool holds now.
func (f *waitFlags) look() (*spoolReport, error) {
	sp, report, err := f.open()
	if err != nil {
		return nil, err
	}
	return report, sp.Close()
}

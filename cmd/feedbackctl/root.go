// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/console"
)

// Exit codes.
const (
	exitOK       = 0
	exitRejected = 1 // some events were refused, are damaged, or are left; not healthy
	exitError    = 2 // wrong usage, or nobody to talk to
)

// errRejected ends a command that has said already which events were refused.
var errRejected = errors.New("some events were refused")

// usageError is one that --help answers.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// streams are what a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
}

// run executes the command line and returns the exit code.
func run(ctx context.Context, args []string, s streams) int {
	root := &cobra.Command{
		Use:   "feedbackctl",
		Short: "Send feedback to a collector, read it back from Kafka, and look after its topics and spool",
		Example: `  feedbackctl send --sample 100
  feedbackctl tail`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
				return usagef("there is no command %q; did you mean %q?", args[0], like[0])
			}
			return usagef("there is no command %q", args[0])
		},
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,

		SuggestionsMinimumDistance: 2,
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetArgs(append([]string{}, args...)) // nil would mean those of the process
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newSendCommand(s), newTailCommand(s), newDLQCommand(s), newTopicsCommand(s), newSpoolCommand(s), newTokenCommand(s),
		newBenchCommand(s), newHealthcheckCommand(s), newManCommand(), newVersionCommand(s))

	cmd, err := root.ExecuteContextC(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errRejected), errors.Is(err, errDamaged), errors.Is(err, errNotEmpty):
		return exitRejected
	case errors.Is(err, errUnhealthy):
		fmt.Fprintln(s.err, console.Clean(err.Error()))
		return exitRejected
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(s.err, "interrupted")
		return exitError
	}
	fmt.Fprintln(s.err, console.NewStyle(s.err, s.getenv).Bad("Error:"), console.Clean(err.Error()))
	if errors.As(err, &usage) {
		fmt.Fprintf(s.err, "See '%s --help'.\n", cmd.CommandPath())
	}
	return exitError
}

// noArgs is cobra.NoArgs as a usage error.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no argument", cmd.CommandPath())
	}
	return nil
}

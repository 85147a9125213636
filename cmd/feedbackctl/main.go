// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Command feedbackctl sends feedback to a collector and reads it back from
// Kafka.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// A reader that goes away, such as head, is an error of a write here, which
	// each command takes as the end of its work.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr, os.Getenv}))
}

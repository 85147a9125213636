// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/console"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/kafka"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/record"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/tail"
)

const (
	defaultTopic    = "feedback-events"
	headerEventType = "event_type"
)

// errEnough ends reading after --limit records.
var errEnough = errors.New("enough")

type tailFlags struct {
	kafka     kafka.Flags
	topic     string
	beginning bool
	offset    int64
	last      int64
	limit     int
	types     []string
	key       string
	anyKey    bool
	output    string
	follow    bool
}

func newTailCommand(s streams) *cobra.Command {
	var f tailFlags
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Print the records of a Kafka topic, with key and headers, as they come",
		Long: `Print the records of a Kafka topic, one line each: topic/partition@offset, key,
headers, value. With --output json each line is a JSON object.

It begins with the last records of each partition and goes on with new ones until
Ctrl-C. A topic or broker that is not there yet is waited for. It joins no
consumer group and changes nothing.`,
		Example: `  feedbackctl tail
  feedbackctl tail --from-beginning --type user_feedback --type experiment_result
  feedbackctl tail --last 0 --key session-42
  feedbackctl tail --topic feedback-events-dlq --from-beginning --follow=false --output json | jq .value.error_code
  feedbackctl tail --brokers kafka-1:9093,kafka-2:9093 --tls-ca ca.pem --sasl-username reader --sasl-password-file password`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.anyKey = !cmd.Flags().Changed("key")
			return f.run(cmd.Context(), s)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	topic := s.getenv(kafka.EnvTopic)
	if topic == "" {
		topic = defaultTopic
	}
	fs.StringVarP(&f.topic, "topic", "t", topic, "topic ($"+kafka.EnvTopic+")")
	fs.BoolVar(&f.beginning, "from-beginning", false, "begin with the first record that is kept")
	fs.Int64VarP(&f.last, "last", "n", 10, "begin so many records before the end of each partition")
	fs.Int64Var(&f.offset, "offset", -1, "begin at this offset in each partition")
	fs.IntVar(&f.limit, "limit", 0, "end after so many printed records; 0 does not")
	fs.StringArrayVar(&f.types, "type", nil, "print only this event type (header "+headerEventType+"); may be repeated")
	fs.StringVar(&f.key, "key", "", "print only records with this key")
	fs.StringVarP(&f.output, "output", "o", record.FormatLine, "line or json")
	fs.BoolVar(&f.follow, "follow", true, "wait for new records; =false ends with those that are there, and waits for nothing")
	f.kafka.Register(fs, s.getenv)
	cmd.MarkFlagsMutuallyExclusive("from-beginning", "last", "offset")
	return cmd
}

func (f *tailFlags) run(ctx context.Context, s streams) error {
	if f.topic == "" || f.limit < 0 || f.last < 0 {
		return usagef("--topic must not be empty, --limit and --last must not be negative")
	}
	writer, err := record.NewWriter(s.out, f.output, console.NewStyle(s.out, s.getenv))
	if err != nil {
		return usageError{err}
	}
	client, err := f.kafka.Options()
	if err != nil {
		return usageError{err}
	}
	printed := 0
	err = tail.Run(ctx, tail.Config{
		Client: client,
		Topic:  f.topic,
		Start:  tail.Start{Beginning: f.beginning, Offset: f.offset, Last: f.last},
		Follow: f.follow,
		Notice: func(text string) { fmt.Fprintln(s.err, console.Clean(text)) },
	}, func(r *kgo.Record) error {
		if !f.wants(r) {
			return nil
		}
		if err := writer.Write(r); err != nil {
			return err
		}
		printed++
		if printed == f.limit {
			return errEnough
		}
		return nil
	})
	// Whoever reads the output may have had enough too.
	if errors.Is(err, errEnough) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}

// wants reports whether r passes the filters.
func (f *tailFlags) wants(r *kgo.Record) bool {
	if !f.anyKey && string(r.Key) != f.key {
		return false
	}
	if len(f.types) == 0 {
		return true
	}
	return slices.ContainsFunc(r.Headers, func(h kgo.RecordHeader) bool {
		return h.Key == headerEventType && slices.Contains(f.types, string(h.Value))
	})
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/console"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/kafka"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/topics"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

const (
	envDeadLetterTopic     = "COLLECTOR_ERROR_HANDLING__DLQ_TOPIC"
	defaultDeadLetterTopic = "feedback-events-dlq"

	outputText = "text"
	outputJSON = "json"

	adminTimeout = time.Minute
)

type topicsFlags struct {
	kafka              kafka.Flags
	events, deadLetter string
	more               []string
	perType            bool
	event, dead        topics.Options
	output             string
}

func newTopicsCommand(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "topics",
		Short: "Create the Kafka topics of the collector, or check those that are there",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTopicsCreateCommand(s), newTopicsCheckCommand(s))
	return cmd
}

func newTopicsCreateCommand(s streams) *cobra.Command {
	var f topicsFlags
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create the topics that are missing, with the settings the collector needs",
		Long: `Create the topic of events and the dead-letter topic, with the settings they need
to lose nothing. A topic that is there is left as it is; where it differs, that is
said as "topics check" says it.

With --per-type there is one more topic for each event type, named after the topic
of events (feedback-events-user-feedback and so on); --topic adds others. The
collector writes to them once topics::by_type of the feedbackkafka exporter names
them.

The exit code is 0 if the topics are as asked, 1 if one that was there differs, 2
if a topic cannot be created.`,
		Example: `  feedbackctl topics create
  feedbackctl topics create --replication-factor 1        # a development cluster of one broker
  feedbackctl topics create --partitions 24 --per-type --brokers kafka-1:9093 --tls-ca ca.pem`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), s, topics.Create) },
	}
	f.register(cmd, s)
	return cmd
}

func newTopicsCheckCommand(s streams) *cobra.Command {
	var f topicsFlags
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Say what differs in the topics that are there, and why it matters",
		Long: `Compare the topics with the settings that "topics create" would give them, and say
for each that differs what it is, what it should be and why it matters. Nothing is
changed. A difference that is meant is told with the flag for it.

The exit code is 0 if nothing differs, 1 if something does or a topic is missing,
2 if Kafka cannot be asked.`,
		Example: `  feedbackctl topics check
  feedbackctl topics check --partitions 24 --retention 336h --output json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), s, topics.Check) },
	}
	f.register(cmd, s)
	return cmd
}

func (f *topicsFlags) register(cmd *cobra.Command, s streams) {
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.events, "events-topic", envOr(s, kafka.EnvTopic, defaultTopic), "topic of events ($"+kafka.EnvTopic+")")
	fs.StringVar(&f.deadLetter, "dlq-topic", envOr(s, envDeadLetterTopic, defaultDeadLetterTopic), "dead-letter topic; empty for none ($"+envDeadLetterTopic+")")
	fs.StringArrayVar(&f.more, "topic", nil, "one more topic of events; may be repeated")
	fs.BoolVar(&f.perType, "per-type", false, "one more topic of events for each event type")
	fs.Int32Var(&f.event.Partitions, "partitions", topics.EventPartitions, "partitions of a topic of events")
	fs.Int32Var(&f.dead.Partitions, "dlq-partitions", topics.DeadLetterPartitions, "partitions of the dead-letter topic")
	fs.Int16Var(&f.event.ReplicationFactor, "replication-factor", topics.ReplicationFactor, "brokers that keep each record")
	fs.Int16Var(&f.event.MinInSync, "min-insync-replicas", 0, "brokers that must have a record before it is acknowledged; 0 is 2, or 1 where there is one copy")
	fs.DurationVar(&f.event.Retention, "retention", topics.EventRetention, "how long events are kept")
	fs.DurationVar(&f.dead.Retention, "dlq-retention", topics.DeadLetterRetention, "how long dead letters are kept")
	fs.IntVar(&f.event.MaxMessageBytes, "max-message-bytes", topics.EventMessageBytes, "largest batch of events in bytes, compressed")
	fs.IntVar(&f.dead.MaxMessageBytes, "dlq-max-message-bytes", topics.DeadLetterBytes, "largest batch of dead letters in bytes, compressed")
	fs.StringVarP(&f.output, "output", "o", outputText, "text or json (one object a topic)")
	f.kafka.Register(fs, s.getenv)
}

// envOr is an environment variable, or a default.
func envOr(s streams, name, otherwise string) string {
	if v := s.getenv(name); v != "" {
		return v
	}
	return otherwise
}

func checkOutput(output string) error {
	if output != outputText && output != outputJSON {
		return usagef("--output %q: use text or json", output)
	}
	return nil
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

// specs are the topics that the flags ask for.
func (f *topicsFlags) specs() ([]topics.Spec, error) {
	names := append([]string{f.events}, f.more...)
	if f.perType {
		for _, schema := range feedback.Schemas() {
			names = append(names, f.events+"-"+strings.ReplaceAll(schema.Type, "_", "-"))
		}
	}
	var specs []topics.Spec
	seen := map[string]bool{}
	add := func(name string, of func(string, topics.Options) (topics.Spec, error), o topics.Options) error {
		switch {
		case !topicName.MatchString(name) || name == "." || name == "..":
			return usagef("not the name of a Kafka topic: %q", name)
		case seen[name]:
			return usagef("topic %s is named twice", name)
		}
		seen[name] = true
		spec, err := of(name, o)
		if err != nil {
			return usagef("topic %s: %w", name, err)
		}
		specs = append(specs, spec)
		return nil
	}
	for _, name := range names {
		if err := add(name, topics.Events, f.event); err != nil {
			return nil, err
		}
	}
	if f.deadLetter != "" {
		f.dead.ReplicationFactor, f.dead.MinInSync = f.event.ReplicationFactor, f.event.MinInSync
		if err := add(f.deadLetter, topics.DeadLetters, f.dead); err != nil {
			return nil, err
		}
	}
	return specs, nil
}

type topicsAction func(context.Context, *kgo.Client, []topics.Spec) ([]topics.Report, error)

func (f *topicsFlags) run(ctx context.Context, s streams, act topicsAction) error {
	if err := checkOutput(f.output); err != nil {
		return err
	}
	specs, err := f.specs()
	if err != nil {
		return err
	}
	opts, err := f.kafka.Options()
	if err != nil {
		return usageError{err}
	}
	client, err := kgo.NewClient(append(opts, kgo.RequestRetries(2))...)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	reports, err := act(ctx, client, specs)
	if err != nil {
		return err
	}
	if f.output == outputJSON {
		err = writeTopicsJSON(s.out, reports)
	} else {
		writeTopics(s.out, console.NewStyle(s.out, s.getenv), specs, reports)
	}
	if err != nil {
		return err
	}
	if slices.ContainsFunc(reports, func(r topics.Report) bool { return !r.OK() }) {
		return errRejected
	}
	return nil
}

func writeTopics(out io.Writer, style console.Style, specs []topics.Spec, reports []topics.Report) {
	for i := range reports {
		r := &reports[i]
		name := style.Key(r.Topic)
		switch {
		case r.Missing:
			fmt.Fprintf(out, "%s: missing: nothing can be delivered to it until it is there (feedbackctl topics create)\n", name)
		case r.Created:
			fmt.Fprintf(out, "%s: created, partitions %d, copies %d\n", name, specs[i].Partitions, specs[i].ReplicationFactor)
		case r.OK():
			fmt.Fprintf(out, "%s: as it should be\n", name)
		default:
			fmt.Fprintf(out, "%s: differs\n", name)
			table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
			for _, d := range r.Differences {
				fmt.Fprintf(table, "  %s\tis %s\tshould be %s\n", d.Setting, console.Clean(d.Is), d.Want)
			}
			_ = table.Flush() // who does not read misses it, as with every line here
			for _, d := range r.Differences {
				fmt.Fprintf(out, "  %s: %s.\n", d.Setting, d.Why)
			}
		}
	}
}

// topicJSON is a report as --output json writes it.
type topicJSON struct {
	Topic       string              `json:"topic"`
	State       string              `json:"state"` // ok, created, missing or differs
	Differences []topics.Difference `json:"differences,omitempty"`
}

func writeTopicsJSON(out io.Writer, reports []topics.Report) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for i := range reports {
		r := &reports[i]
		state := "ok"
		switch {
		case r.Missing:
			state = "missing"
		case r.Created:
			state = "created"
		case !r.OK():
			state = "differs"
		}
		if err := enc.Encode(topicJSON{r.Topic, state, r.Differences}); err != nil {
			return err
		}
	}
	return nil
}

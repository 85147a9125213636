// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/console"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/dlq"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/kafka"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/replay"
)

type replayFlags struct {
	dlqFlags
	events      string
	configs     []string
	given       func(flag string) bool // whether a flag was given
	maxAge      time.Duration
	rate        float64
	again       bool
	dryRun, yes bool
	maxErrors   int
}

const (
	maxRate = 100_000
)

func newDLQReplayCommand(s streams) *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay [PARTITION:OFFSET | EVENT_ID ...]",
		Short: "Send dead letters through validation again, and publish what passes",
		Long: `Send the original events of dead letters through validation and redaction again,
and publish those that pass, with their event_id and a header dlq_replayed that
says where they were. What is still refused, was cut or has no original is listed
and left where it is.

What was replayed is remembered in the consumer group ` + dlq.Group + `, in
one Kafka transaction with the events: an event is not replayed twice, whatever
happens in between. --again does it all the same. Two replays of one topic do not
run at the same time: the later one ends the earlier one.

With --config the limits, redaction, keys and topics are those of that collector;
without it, the defaults. Events that were refused because of their age need
--max-age. The order of a key is not that of the first time.

The exit code is 0 if all that could be replayed was, 1 if some were refused
again, 2 if Kafka does not do its part.`,
		Example: `  feedbackctl dlq replay --dry-run
  feedbackctl dlq replay --stage kafka --since 24h --yes --config config/collector.yaml
  feedbackctl dlq replay 2:17 --max-age 720h`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.given = cmd.Flags().Changed
			return f.run(cmd.Context(), s, args)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringArrayVar(&f.configs, "config", nil, "the collector's configuration file: its limits, redaction, keys and topics; may be repeated")
	f.registerTopic(fs, s)
	fs.StringVar(&f.events, "events-topic", envOr(s, kafka.EnvTopic, defaultTopic), "topic to publish to ($"+kafka.EnvTopic+")")
	f.registerFilter(fs, 0, "replay at most so many; 0 replays all")
	fs.DurationVar(&f.maxAge, "max-age", 0, "how old an event's timestamp may be; 0 is as the collector has it")
	fs.Float64Var(&f.rate, "rate", 100, "events a second")
	fs.BoolVar(&f.again, "again", false, "replay also what was replayed before")
	fs.BoolVar(&f.dryRun, "dry-run", false, "say what would become of each, and publish nothing")
	fs.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	fs.IntVar(&f.maxErrors, "max-errors", 100, "how many reasons of refusal to print")
	fs.StringVarP(&f.output, "output", "o", outputText, "text or json (one object for each dead letter)")
	f.kafka.Register(fs, s.getenv)
	return cmd
}

// settings are those of --config, or the defaults, under what flags say.
func (f *replayFlags) settings(ctx context.Context, s streams) (replay.Settings, error) {
	settings := replay.DefaultSettings()
	if len(f.configs) > 0 {
		loaded, err := replay.Load(ctx, f.configs)
		if err != nil {
			return settings, fmt.Errorf("--config: %w", err)
		}
		settings = loaded.Settings
		for _, id := range loaded.NotApplied {
			fmt.Fprintf(s.err, "the processor %s of the pipeline is not part of a replay\n", console.Clean(id))
		}
		if loaded.DeadLetterTopic != "" && !f.given("topic") {
			f.topic = loaded.DeadLetterTopic
		}
	}
	if settings.EventsTopic == "" || f.given("events-topic") {
		settings.EventsTopic, settings.TopicsByType = f.events, nil
	}
	f.events = settings.EventsTopic
	if f.maxAge > 0 {
		settings.Validation.MaxAge = f.maxAge
	}
	return settings, settings.Validate()
}

func (f *replayFlags) check() error {
	switch {
	case f.rate <= 0 || f.rate > maxRate:
		return usagef("--rate: must be above 0 and at most %d", maxRate)
	case f.maxAge < 0 || f.maxErrors < 0:
		return usagef("--max-age and --max-errors must not be negative")
	case !topicName.MatchString(f.events) || f.events == f.topic:
		return usagef("--events-topic %q: must be the name of a topic that is not the dead-letter topic", f.events)
	}
	return nil
}

func (f *replayFlags) run(ctx context.Context, s streams, args []string) error {
	settings, err := f.settings(ctx, s)
	if err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	topic, filter, err := f.source(args, time.Now())
	if err != nil {
		return err
	}
	marks, err := loadMarks(ctx, topic)
	if err != nil {
		return err
	}
	plan, counts, err := f.plan(ctx, topic, filter, marks)
	if err != nil {
		return err
	}
	if !f.dryRun && !f.yes && counts.fresh > 0 {
		if err := confirm(s, fmt.Sprintf("Replay %s of %s into %s?", plural(counts.fresh, "dead letter"), f.topic, f.events)); err != nil {
			return err
		}
	}
	pipeline, err := replay.NewPipeline(ctx, settings)
	if err != nil {
		return err
	}
	defer func() { _ = pipeline.Shutdown(context.WithoutCancel(ctx)) }()

	r := &replay.Replay{Topic: topic, Settings: settings, Pipeline: pipeline, Again: f.again, Marks: marks, Rate: f.rate}
	var sender *replay.Sender
	if !f.dryRun && counts.fresh > 0 {
		if sender, err = replay.NewSender(ctx, topic.Client, topic.Name); err != nil {
			return err
		}
		defer sender.Close()
		r.Publisher, r.Marks = sender, sender.Marks()
	}
	report := newReplayReport(s, f, plan.Count)
	r.Tell = report.tell
	err = r.Run(ctx, plan)
	report.finish()
	if sender != nil && report.counts[replay.Replayed] > 0 {
		if keep := sender.KeepMarks(ctx); keep != nil && err == nil {
			fmt.Fprintf(s.err, "what was replayed is remembered only as long as the brokers keep offsets: %s\n", console.Clean(keep.Error()))
		}
	}
	if err == nil && report.counts[replay.Refused] > 0 {
		return errRejected
	}
	return err
}

// planCounts says what is in a plan.
type planCounts struct{ fresh int }

// plan reads the topic once and chooses.
func (f *replayFlags) plan(ctx context.Context, topic dlq.Topic, filter *dlq.Filter, marks map[int32]*dlq.Marks) (*replay.Plan, planCounts, error) {
	plan := replay.NewPlan()
	var counts planCounts
	err := topic.Read(ctx, filter, func(l *dlq.Letter, chosen bool) error {
		state := stateOf(l, marks)
		fresh := state == stateNew || state == stateReplayed && f.again
		if chosen && fresh && f.limit > 0 && counts.fresh == f.limit {
			chosen = false
		}
		if chosen && fresh {
			counts.fresh++
		}
		plan.See(l.Position, chosen)
		return nil
	})
	return plan, counts, err
}

// confirm asks, and takes everything but yes as no.
func confirm(s streams, question string) error {
	if !console.IsTerminal(s.in) {
		return usagef("give --yes, since nobody can be asked here: %s", question)
	}
	return ask(s.in, s.err, question)
}

func ask(in io.Reader, out io.Writer, question string) error {
	fmt.Fprintf(out, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(in).ReadString('\n') // an end without an answer is a no
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return fmt.Errorf("nothing was replayed")
}

// replayReport prints what becomes of each letter.
type replayReport struct {
	s        streams
	f        *replayFlags
	total    int
	done     int
	counts   map[replay.Fate]int
	left     []replay.Result // refused and unreplayable ones, as many as are printed
	json     *json.Encoder
	progress *console.Progress
}

func newReplayReport(s streams, f *replayFlags, total int) *replayReport {
	r := &replayReport{s: s, f: f, total: total, counts: map[replay.Fate]int{}, progress: console.NewProgress(s.err)}
	if f.output == outputJSON {
		r.json = json.NewEncoder(s.out)
		r.json.SetEscapeHTML(false)
	}
	return r
}

// resultJSON is a result as --output json writes it.
type resultJSON struct {
	Position string      `json:"position"`
	EventID  string      `json:"event_id,omitempty"`
	Fate     replay.Fate `json:"fate"`
	Topic    string      `json:"topic,omitempty"`
	Code     string      `json:"code,omitempty"`
	Field    string      `json:"field,omitempty"`
	Message  string      `json:"message,omitempty"`
	DryRun   bool        `json:"dry_run,omitempty"`
}

func (r *replayReport) tell(result replay.Result) {
	r.done++
	r.counts[result.Fate]++
	out := resultJSON{Position: result.Letter.Position.String(), EventID: result.EventID, Fate: result.Fate, Topic: result.Topic, Message: result.Reason, DryRun: r.f.dryRun}
	if out.EventID == "" {
		out.EventID = result.Letter.EventID
	}
	if e := result.Error; e != nil {
		out.Code, out.Field, out.Message = string(e.Code), e.Field, e.Message
	}
	switch {
	case r.json != nil:
		_ = r.json.Encode(out) // what is done is done, read or not
	case result.Fate == replay.Replayed && r.f.dryRun:
		fmt.Fprintf(r.s.out, "would replay %s %s into %s\n", out.Position, out.EventID, out.Topic)
	case (result.Fate == replay.Refused || result.Fate == replay.Unreplayable) && len(r.left) < r.f.maxErrors:
		result.Letter.Record, result.Letter.Original = nil, nil // only its names are needed
		r.left = append(r.left, result)
	}
	r.progress.Update(func(elapsed time.Duration) string {
		return fmt.Sprintf("%d of %d, %d replayed, %.0f/s", r.done, r.total, r.counts[replay.Replayed], float64(r.counts[replay.Replayed])/elapsed.Seconds())
	})
}

func (r *replayReport) finish() {
	r.progress.Clear()
	if r.json != nil {
		return
	}
	verb := "replayed"
	if r.f.dryRun {
		verb = "would be replayed"
	}
	fmt.Fprintf(r.s.out, "%s %d, refused again %d, cannot be replayed %d, replayed before %d\n", verb,
		r.counts[replay.Replayed], r.counts[replay.Refused], r.counts[replay.Unreplayable], r.counts[replay.Before])
	if len(r.left) == 0 {
		return
	}
	// Partitions are read side by side, so letters come in no fixed order.
	slices.SortFunc(r.left, func(a, b replay.Result) int { return a.Letter.Position.Compare(b.Letter.Position) })
	fmt.Fprintln(r.s.out)
	table := tabwriter.NewWriter(r.s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "POSITION\tEVENT ID\tCODE\tFIELD\tMESSAGE")
	for _, result := range r.left {
		code, field, message := "-", "", result.Reason
		if e := result.Error; e != nil {
			code, field, message = string(e.Code), e.Field, e.Message
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", result.Letter.Position, orDash(result.Letter.EventID), code, orDash(field), console.Clean(message))
	}
	_ = table.Flush() // who does not read misses it
	if more := r.counts[replay.Refused] + r.counts[replay.Unreplayable] - len(r.left); more > 0 {
		fmt.Fprintf(r.s.out, "… and %d more (--max-errors)\n", more)
	}
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Command consumer reads feedback events from Kafka as docs/consuming.md says
// it should be done: committed records only, each event once, offsets committed
// after the work is done. What it does with an event is print it; put your own
// work in its place.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// schemaVersion is the one that this program understands. A new optional field
// keeps the version, so unknown fields are no reason to stop; another version is.
const schemaVersion = "1.0"

type config struct {
	brokers, topic, group string
	window                int // records of a partition in which a copy is recognised
	count                 int // end after so many events; 0 does not
}

func main() {
	var c config
	flag.StringVar(&c.brokers, "brokers", env("COLLECTOR_KAFKA__BROKERS", "localhost:9092"), "Kafka brokers, comma-separated")
	flag.StringVar(&c.topic, "topic", env("COLLECTOR_KAFKA__TOPIC", "feedback-events"), "topic of events")
	flag.StringVar(&c.group, "group", "feedback-consumer", "consumer group")
	flag.IntVar(&c.window, "window", 10_000, "records of a partition in which a copy of an event is recognised")
	flag.IntVar(&c.count, "count", 0, "end after so many events; 0 goes on until Ctrl-C")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, c, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func env(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

func run(ctx context.Context, c config, out io.Writer) error {
	seen := newWindows(c.window)
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(c.brokers, ",")...),
		kgo.ConsumerGroup(c.group),
		kgo.ConsumeTopics(c.topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), // a new group begins with what is there
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),      // no part of a transaction that was aborted
		kgo.DisableAutoCommit(),                           // an offset is committed when the work is done
		kgo.SessionTimeout(30*time.Second),
		kgo.HeartbeatInterval(3*time.Second),
		kgo.FetchMaxWait(500*time.Millisecond),
		kgo.FetchMaxPartitionBytes(4<<20),
		kgo.BlockRebalanceOnPoll(),               // a partition stays while its records are worked on
		kgo.AdjustFetchOffsetsFn(seen.rewind),    // read what was just done again, to know its copies
		kgo.OnPartitionsRevoked(seen.forgetThem), // another consumer knows them from now on
		kgo.OnPartitionsLost(seen.forgetThem),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	defer client.AllowRebalance()

	for done := 0; c.count == 0 || done < c.count; {
		fetches := client.PollRecords(ctx, 500)
		if ctx.Err() != nil {
			return nil
		}
		for _, e := range fetches.Errors() {
			log.Printf("%s/%d: %v", e.Topic, e.Partition, e.Err) // the client tries again
		}
		var finished []*kgo.Record
		for _, r := range fetches.Records() {
			if c.count > 0 && done == c.count {
				break
			}
			if !seen.fresh(r) {
				continue // only read to fill the window
			}
			finished = append(finished, r)
			if seen.copied(r) {
				continue
			}
			if err = handle(out, r); err != nil {
				// Nothing after it is committed: it comes again when the program does.
				err = fmt.Errorf("%s/%d@%d: %w", r.Topic, r.Partition, r.Offset, err)
				finished = finished[:len(finished)-1]
				break
			}
			done++
		}
		// Also where the process dies here nothing is lost: what was done since the
		// last commit comes again, and is recognised by its event_id.
		if commit := client.CommitRecords(ctx, finished...); commit != nil {
			err = errors.Join(err, commit)
		}
		if err != nil {
			return err
		}
		client.AllowRebalance()
	}
	return nil
}

// handle does the work of one event.
func handle(out io.Writer, r *kgo.Record) error {
	if v := header(r, "schema_version"); v != schemaVersion {
		return fmt.Errorf("schema version %q: this program knows %s", v, schemaVersion)
	}
	_, err := fmt.Fprintf(out, "%s %s key=%s %s\n", header(r, "event_type"), header(r, "event_id"), r.Key, r.Value)
	return err
}

func header(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package topics knows the settings that the collector's topics should have,
// creates topics with them and says where existing ones differ.
package topics

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Spec is what a topic should be like.
type Spec struct {
	Name              string
	Partitions        int32
	ReplicationFactor int16
	Settings          []Setting
}

// Setting is one entry of a topic's configuration.
type Setting struct {
	Name, Value string
	// Why says in one sentence what another value would mean.
	Why string
}

// Options are what can be chosen of a topic.
type Options struct {
	Partitions        int32
	ReplicationFactor int16
	// MinInSync is min.insync.replicas; 0 is 2, or 1 where there is one replica.
	MinInSync       int16
	Retention       time.Duration
	MaxMessageBytes int
}

// The defaults.
const (
	EventPartitions       = 12
	DeadLetterPartitions  = 3
	ReplicationFactor     = 3
	EventRetention        = 7 * 24 * time.Hour
	DeadLetterRetention   = 30 * 24 * time.Hour
	EventMessageBytes     = 2 << 20
	DeadLetterBytes       = 4 << 20
	defaultMinInSync      = 2
	eventSegment          = time.Hour
	minEventBytes         = 1<<20 + 64<<10 // what the exporter sends at most
	minDeadLetterMaxBytes = 64 << 10
)

const (
	settingMaxBytes  = "max.message.bytes"
	settingMinInSync = "min.insync.replicas"
	settingRetention = "retention.ms"
)

func (o *Options) validate(minBytes int) error {
	switch {
	case o.Partitions < 1:
		return errors.New("the number of partitions must be at least 1")
	case o.ReplicationFactor < 1:
		return errors.New("the replication factor must be at least 1")
	case o.MinInSync < 0 || o.MinInSync > o.ReplicationFactor:
		return fmt.Errorf("%s must lie between 1 and the replication factor, %d: above it nothing could be written", settingMinInSync, o.ReplicationFactor)
	case o.Retention < time.Minute:
		return errors.New("the retention must be at least 1m")
	case o.MaxMessageBytes < minBytes:
		return fmt.Errorf("%s must be at least %d", settingMaxBytes, minBytes)
	}
	return nil
}

func (o *Options) minInSync() int16 {
	if o.MinInSync > 0 {
		return o.MinInSync
	}
	return min(defaultMinInSync, o.ReplicationFactor)
}

// Events is the topic of events.
func Events(name string, o Options) (Spec, error) {
	if err := o.validate(minEventBytes); err != nil {
		return Spec{}, err
	}
	return Spec{
		Name: name, Partitions: o.Partitions, ReplicationFactor: o.ReplicationFactor,
		Settings: append(o.common(
			"what is older is deleted: a shorter time takes events from consumers that are behind, a longer one costs disk",
			"the collector sends records of up to 1 MiB + 64 KiB; a topic that takes less sends the largest to the dead-letter topic",
		), Setting{
			"segment.ms", millis(eventSegment),
			"only closed segments are deleted: longer ones keep events past the retention, shorter ones make many small files",
		}),
	}, nil
}

// DeadLetters is the dead-letter topic.
func DeadLetters(name string, o Options) (Spec, error) {
	if err := o.validate(minDeadLetterMaxBytes); err != nil {
		return Spec{}, err
	}
	return Spec{
		Name: name, Partitions: o.Partitions, ReplicationFactor: o.ReplicationFactor,
		Settings: o.common(
			"what is older is deleted: a shorter time leaves less of it to look into what was refused and replay it",
			"a dead letter is an event and why it was refused; one that is larger than the topic takes is cut and cannot be replayed",
		),
	}, nil
}

// common are the settings that all topics have.
func (o *Options) common(whyRetention, whyBytes string) []Setting {
	return []Setting{
		{
			settingMinInSync, strconv.Itoa(int(o.minInSync())),
			"it is how many brokers have a record before it is acknowledged: fewer lose it with one broker, more stop all writing sooner",
		},
		{settingRetention, millis(o.Retention), whyRetention},
		{
			"cleanup.policy", "delete",
			"with compaction Kafka keeps only the last event of each key and drops the others",
		},
		{
			"compression.type", "producer",
			"with another value the broker compresses every batch again, which costs it CPU and gains nothing",
		},
		{settingMaxBytes, strconv.Itoa(o.MaxMessageBytes), whyBytes},
	}
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

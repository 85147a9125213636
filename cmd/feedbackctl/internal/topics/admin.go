// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package topics

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Report is what became of one topic, or how it is.
type Report struct {
	Topic string
	// Created says that the topic was not there and has been created.
	Created bool
	// Missing says that it is not there.
	Missing bool
	// Differences between the topic and what it should be.
	Differences []Difference
}

// OK reports whether the topic is as it should be.
func (r *Report) OK() bool { return !r.Missing && len(r.Differences) == 0 }

// Difference is one setting that is not as it should be.
type Difference struct {
	Setting string `json:"setting"`
	Is      string `json:"is"`
	Want    string `json:"want"`
	Why     string `json:"why"`
}

// Check compares the topics with what they should be.
func Check(ctx context.Context, cl *kgo.Client, specs []Spec) ([]Report, error) {
	meta, err := metadata(ctx, cl, specs)
	if err != nil {
		return nil, err
	}
	found := make(map[string]*kmsg.MetadataResponseTopic, len(meta.Topics))
	for i := range meta.Topics {
		if name := meta.Topics[i].Topic; name != nil {
			found[*name] = &meta.Topics[i]
		}
	}
	reports := make([]Report, len(specs))
	for i := range specs {
		reports[i].Topic = specs[i].Name
		topic := found[specs[i].Name]
		if topic == nil {
			return nil, fmt.Errorf("topic %s: the cluster did not say what it knows of it", specs[i].Name)
		}
		switch err := kerr.ErrorForCode(topic.ErrorCode); {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			reports[i].Missing = true
		case err != nil:
			return nil, fmt.Errorf("topic %s: %w", specs[i].Name, err)
		default:
			settings, err := describe(ctx, cl, specs[i].Name)
			if err != nil {
				return nil, err
			}
			reports[i].Differences = specs[i].differences(topic.Partitions, settings)
		}
	}
	return reports, nil
}

// metadata asks the brokers anew; what the client remembers may be older than
// what was created a moment ago.
func metadata(ctx context.Context, cl *kgo.Client, specs []Spec) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // nil would mean all
	for i := range specs {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &specs[i].Name
		req.Topics = append(req.Topics, t)
	}
	return req.RequestWith(ctx, cl)
}

// describe returns the settings that hold for a topic, its own and inherited ones.
func describe(ctx context.Context, cl *kgo.Client, topic string) (map[string]string, error) {
	described, err := kadm.NewClient(cl).DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, rc := range described {
		if rc.Err != nil {
			return nil, fmt.Errorf("topic %s: its configuration cannot be read: %w", topic, rc.Err)
		}
		for _, c := range rc.Configs {
			out[c.Key] = c.MaybeValue()
		}
	}
	return out, nil
}

func (s *Spec) differences(partitions []kmsg.MetadataResponseTopicPartition, settings map[string]string) []Difference {
	var out []Difference
	if n := len(partitions); n != int(s.Partitions) {
		out = append(out, Difference{
			"partitions", strconv.Itoa(n), strconv.Itoa(int(s.Partitions)),
			"it is how many consumers of a group can work at once; to change it later moves keys to other partitions, so that their order is lost once",
		})
	}
	if n := replicas(partitions); n != int(s.ReplicationFactor) {
		out = append(out, Difference{
			"replication factor", strconv.Itoa(n), strconv.Itoa(int(s.ReplicationFactor)),
			"it is how many brokers keep each record: with fewer the loss of one may lose events or stop writing, more cost disk and network",
		})
	}
	for _, want := range s.Settings {
		if is := settings[want.Name]; is != want.Value {
			out = append(out, Difference{want.Name, is, want.Value, want.Why})
		}
	}
	return out
}

// replicas is how many copies the partition with the fewest has.
func replicas(partitions []kmsg.MetadataResponseTopicPartition) int {
	fewest := 0
	for _, p := range partitions {
		if n := len(p.Replicas); fewest == 0 || n < fewest {
			fewest = n
		}
	}
	return fewest
}

// Create creates the topics that are missing and compares the others with what
// they should be.
func Create(ctx context.Context, cl *kgo.Client, specs []Spec) ([]Report, error) {
	reports, err := Check(ctx, cl, specs)
	if err != nil {
		return nil, err
	}
	if err := enoughBrokers(ctx, cl, specs, reports); err != nil {
		return nil, err
	}
	for i, spec := range specs {
		if !reports[i].Missing {
			continue
		}
		created, err := spec.create(ctx, cl)
		if err != nil {
			return nil, err
		}
		if created {
			reports[i].Missing, reports[i].Created = false, true
			continue
		}
		// Somebody else was faster.
		again, err := Check(ctx, cl, []Spec{spec})
		if err != nil {
			return nil, err
		}
		reports[i] = again[0]
	}
	awaitAll(ctx, cl, reports)
	return reports, nil
}

const (
	spreadPatience = 10 * time.Second
	spreadInterval = 50 * time.Millisecond
)

// awaitAll waits until every broker knows what was created, so that whoever
// comes next finds it. A broker that does not answer is not waited for long.
func awaitAll(ctx context.Context, cl *kgo.Client, reports []Report) {
	ctx, cancel := context.WithTimeout(ctx, spreadPatience)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	for i := range reports {
		if reports[i].Created {
			t := kmsg.NewMetadataRequestTopic()
			t.Topic = &reports[i].Topic
			req.Topics = append(req.Topics, t)
		}
	}
	if len(req.Topics) == 0 {
		return
	}
	for _, b := range cl.DiscoveredBrokers() {
		for !knowsAll(ctx, b, req) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(spreadInterval):
			}
		}
	}
}

func knowsAll(ctx context.Context, b *kgo.Broker, req *kmsg.MetadataRequest) bool {
	answer, err := b.RetriableRequest(ctx, req)
	if err != nil {
		return false
	}
	resp, ok := answer.(*kmsg.MetadataResponse)
	if !ok {
		return false
	}
	for i := range resp.Topics {
		if resp.Topics[i].ErrorCode != 0 {
			return false
		}
	}
	return true
}

// enoughBrokers says before anything is created that it cannot be.
func enoughBrokers(ctx context.Context, cl *kgo.Client, specs []Spec, reports []Report) error {
	var most int16
	for i := range specs {
		if reports[i].Missing {
			most = max(most, specs[i].ReplicationFactor)
		}
	}
	if most <= 1 {
		return nil
	}
	meta, err := metadata(ctx, cl, nil)
	if err != nil {
		return err
	}
	if n := len(meta.Brokers); n < int(most) {
		return tooFewBrokers(n, most)
	}
	return nil
}

func tooFewBrokers(brokers int, replicationFactor int16) error {
	noun := "brokers"
	if brokers == 1 {
		noun = "broker"
	}
	return fmt.Errorf("%d copies of each record need as many brokers, and the cluster has %d %s: add brokers, or give --replication-factor %d (one copy is for development only)",
		replicationFactor, brokers, noun, max(brokers, 1))
}

func (s *Spec) create(ctx context.Context, cl *kgo.Client) (created bool, err error) {
	settings := make(map[string]*string, len(s.Settings))
	for i := range s.Settings {
		settings[s.Settings[i].Name] = &s.Settings[i].Value
	}
	resp, err := kadm.NewClient(cl).CreateTopic(ctx, s.Partitions, s.ReplicationFactor, settings, s.Name)
	if err == nil {
		err = resp.Err
	}
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, kerr.TopicAlreadyExists):
		return false, nil
	case errors.Is(err, kerr.InvalidReplicationFactor):
		return false, fmt.Errorf("create topic %s: --replication-factor %d is more than there are brokers: %w", s.Name, s.ReplicationFactor, err)
	case resp.ErrMessage != "":
		return false, fmt.Errorf("create topic %s: %w: %s", s.Name, err, resp.ErrMessage)
	default:
		return false, fmt.Errorf("create topic %s: %w", s.Name, err)
	}
}

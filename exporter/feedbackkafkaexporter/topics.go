// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// topicAdmin asks the brokers about topics and creates those that are missing.
type topicAdmin struct {
	client     *kgo.Client
	cfg        *Config
	autoCreate bool // the brokers may create what a metadata request names
}

// topicState is what the brokers say of one topic.
type topicState struct {
	partitions int
	err        *kerr.Error // nil if the topic can be written to as far as is known
}

// describe asks any broker for the topics. An error means that none answered.
func (a *topicAdmin) describe(ctx context.Context, topics []*topic) (map[string]topicState, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = a.autoCreate
	for _, t := range topics {
		rt := kmsg.NewMetadataRequestTopic()
		rt.Topic = kmsg.StringPtr(t.name)
		req.Topics = append(req.Topics, rt)
	}
	resp, err := req.RequestWith(ctx, a.client)
	if err != nil {
		return nil, err
	}
	states := make(map[string]topicState, len(resp.Topics))
	for i := range resp.Topics {
		rt := &resp.Topics[i]
		if rt.Topic == nil {
			continue
		}
		s := topicState{partitions: len(rt.Partitions)}
		_ = errors.As(kerr.ErrorForCode(rt.ErrorCode), &s.err)
		states[*rt.Topic] = s
	}
	return states, nil
}

// create creates one of the topics.
func (a *topicAdmin) create(ctx context.Context, t *topic) error {
	partitions, configs := a.cfg.Topics.Partitions, map[string]*string{
		"max.message.bytes": kmsg.StringPtr("2097152"),
		"retention.ms":      kmsg.StringPtr("604800000"), // 7 days
	}
	if t.dead {
		partitions, configs = a.cfg.DeadLetter.Partitions, map[string]*string{
			"max.message.bytes": kmsg.StringPtr(strconv.Itoa(maxDeadLetterBytes)),
			"retention.ms":      kmsg.StringPtr("2592000000"), // 30 days
		}
	}
	resp, err := kadm.NewClient(a.client).CreateTopic(ctx, partitions, a.cfg.Topics.ReplicationFactor, configs, t.name)
	if err == nil {
		err = resp.Err
	}
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create topic %s: %w", t.name, err)
	}
	return nil
}

// limits reads max.message.bytes of the topics, where that may be read.
func (a *topicAdmin) limits(ctx context.Context, names ...string) map[string]int {
	out := map[string]int{}
	configs, err := kadm.NewClient(a.client).DescribeTopicConfigs(ctx, names...)
	if err != nil {
		return out
	}
	for _, rc := range configs {
		if rc.Err != nil {
			continue
		}
		for _, c := range rc.Configs {
			if c.Key != "max.message.bytes" || c.Value == nil {
				continue
			}
			if n, err := strconv.Atoi(*c.Value); err == nil {
				out[rc.Name] = n
			}
		}
	}
	return out
}

// defaultLimit is the largest record of a topic whose own limit is not known.
func defaultLimit(cfg *Config) int { return cfg.Producer.MaxMessageBytes }

// limitOf is the largest record of a topic whose own limit is known.
func limitOf(cfg *Config, t *topic, own int) int {
	if own <= 0 {
		return defaultLimit(cfg)
	}
	own = max(own, minMessageBytes)
	if t.dead {
		return min(own, maxDeadLetterBytes)
	}
	return min(own, cfg.Producer.MaxMessageBytes)
}

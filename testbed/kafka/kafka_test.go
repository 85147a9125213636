// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNodeKeepsItsRecords(t *testing.T) {
	libs := Libs(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c, err := Start(ctx, libs, t.TempDir(), Options{})
	require.NoError(t, err)
	defer c.Stop()
	require.NoError(t, c.CreateTopic(ctx, "kept", 3, nil))

	client, err := c.Client(kgo.DefaultProduceTopic("kept"))
	require.NoError(t, err)
	defer client.Close()
	node := c.Nodes[0]

	produce := func(value string) {
		require.NoError(t, client.ProduceSync(ctx, kgo.StringRecord(value)).FirstErr())
	}
	produce("before the kill")
	node.Kill()
	assert.False(t, node.Running())
	require.NoError(t, node.Restart(ctx))
	produce("before the stop")
	node.Stop()
	assert.False(t, node.Running())
	assert.Error(t, c.Nodes[0].proc.Await(ctx, func(context.Context) error { return context.Canceled }))
	require.NoError(t, node.Restart(ctx))
	require.ErrorContains(t, node.Restart(ctx), "still running")

	reader, err := c.Client(kgo.ConsumeTopics("kept"))
	require.NoError(t, err)
	defer reader.Close()
	var values []string
	for len(values) < 2 {
		fetches := reader.PollFetches(ctx)
		require.NoError(t, ctx.Err())
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	assert.ElementsMatch(t, []string{"before the kill", "before the stop"}, values)
}

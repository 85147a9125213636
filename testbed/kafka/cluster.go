// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/ports"
)

// Cluster is a running Kafka. Its methods are for one goroutine.
type Cluster struct {
	// Nodes are its brokers.
	Nodes []*Node
}

// Start formats and starts a cluster whose jars are in libs and whose files go
// below dir. It returns when every node answers for all of them.
func Start(ctx context.Context, libs, dir string, opts Options) (*Cluster, error) {
	count := max(1, opts.Nodes)
	free, err := ports.Free(2 * count)
	if err != nil {
		return nil, err
	}
	c := &Cluster{}
	for i := range count {
		c.Nodes = append(c.Nodes, &Node{
			id: i + 1, libs: libs, dir: filepath.Join(dir, fmt.Sprintf("node%d", i+1)),
			port: free[2*i], controllerPort: free[2*i+1],
		})
	}
	clusterID := newClusterID()
	for _, n := range c.Nodes {
		if err := n.writeConfig(properties(n.id, c.Nodes, opts)); err != nil {
			return nil, err
		}
		if err := n.format(ctx, clusterID); err != nil {
			return nil, err
		}
	}
	for _, n := range c.Nodes {
		if err := n.launch(); err != nil {
			c.Stop()
			return nil, err
		}
	}
	if err := c.AwaitReady(ctx); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// Brokers are the addresses a client starts from.
func (c *Cluster) Brokers() []string {
	addrs := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		addrs[i] = n.Addr()
	}
	return addrs
}

// AwaitReady returns when each node that runs has answered a metadata request
// that names all the running ones.
func (c *Cluster) AwaitReady(ctx context.Context) error {
	running := 0
	for _, n := range c.Nodes {
		if n.Running() {
			running++
		}
	}
	for _, n := range c.Nodes {
		if !n.Running() {
			continue
		}
		if err := n.awaitReady(ctx, running); err != nil {
			return fmt.Errorf("kafka node %d: %w", n.id, err)
		}
	}
	return nil
}

// Client returns a Kafka client for the cluster; the caller closes it.
func (c *Cluster) Client(opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.Brokers()...)}, opts...)...)
}

// CreateTopic creates a topic that is replicated to all nodes, and returns when
// all nodes know it.
func (c *Cluster) CreateTopic(ctx context.Context, topic string, partitions int32, configs map[string]*string) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(ctx, partitions, int16(len(c.Nodes)), configs, topic); err != nil {
		return err
	}
	for _, n := range c.Nodes {
		if err := n.awaitTopic(ctx, topic, int(partitions)); err != nil {
			return err
		}
	}
	return nil
}

// Stop stops all nodes and waits for their end.
func (c *Cluster) Stop() {
	// The last controllers of a quorum cannot hand over: no patience for them.
	for _, n := range c.Nodes {
		n.Stop()
	}
}

// format prepares the node's data directory.
func (n *Node) format(ctx context.Context, clusterID string) error {
	cmd := n.java(ctx, "kafka.tools.StorageTool", "format", "--cluster-id", clusterID, "--config", n.path("server.properties"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("formatting kafka node %d: %s", n.id, out), err)
	}
	return nil
}

// java is a command that runs a class of Kafka's jars.
func (n *Node) java(ctx context.Context, class string, args ...string) *exec.Cmd {
	all := append([]string{
		"-Xms128m", "-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
		"-Dlog4j2.configurationFile=" + n.path("log4j2.properties"),
		"-cp", filepath.Join(n.libs, "*"), class,
	}, args...)
	cmd := exec.CommandContext(ctx, "java", all...)
	cmd.Dir = n.dir
	return cmd
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/otelcol-feedback/otelcol-feedback/internal/ports"
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
	free, err := ports.Free(portsPerNode * count)
	if err != nil {
		return nil, err
	}
	c := &Cluster{}
	for i := range count {
		c.Nodes = append(c.Nodes, &Node{
			id: i + 1, libs: libs, dir: filepath.Join(dir, fmt.Sprintf("node%d", i+1)),
			heapMiB: cmp.Or(opts.HeapMiB, 768), ports: [portsPerNode]int(free[portsPerNode*i:]),
			jvm: opts.TLS.jvm(),
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
func (c *Cluster) Brokers() []string { return c.addrs((*Node).Addr) }

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
	return c.awaitTopic(ctx, topic, int(partitions))
}

// CreateAssigned creates a topic with a partition for each list of node ids,
// its replicas.
func (c *Cluster) CreateAssigned(ctx context.Context, topic string, replicas [][]int32, configs map[string]string) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	defer client.Close()
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = topic, -1, -1
	for p, nodes := range replicas {
		a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		a.Partition, a.Replicas = int32(p), nodes
		t.ReplicaAssignment = append(t.ReplicaAssignment, a)
	}
	for name, value := range configs {
		setting := kmsg.NewCreateTopicsRequestTopicConfig()
		setting.Name, setting.Value = name, &value
		t.Configs = append(t.Configs, setting)
	}
	req := kmsg.NewCreateTopicsRequest()
	req.Topics = append(req.Topics, t)
	req.TimeoutMillis = 15_000
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, answer := range resp.Topics {
		if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
			return fmt.Errorf("creating topic %s: %w", answer.Topic, err)
		}
	}
	return c.awaitTopic(ctx, topic, len(replicas))
}

// awaitTopic returns when all running nodes know the topic's partitions.
func (c *Cluster) awaitTopic(ctx context.Context, topic string, partitions int) error {
	for _, n := range c.Nodes {
		if !n.Running() {
			continue
		}
		if err := n.awaitTopic(ctx, topic, partitions); err != nil {
			return err
		}
	}
	return nil
}

// Gates are the addresses of the gated listeners' proxies.
func (c *Cluster) Gates() []string { return c.addrs((*Node).GateAddr) }

// Secured are the addresses of the secured listeners.
func (c *Cluster) Secured() []string { return c.addrs((*Node).SecuredAddr) }

// SASL are the addresses of the listeners that ask for a user over TLS.
func (c *Cluster) SASL() []string { return c.addrs((*Node).SASLAddr) }

func (c *Cluster) addrs(of func(*Node) string) []string {
	addrs := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		addrs[i] = of(n)
	}
	return addrs
}

// Node is the node with this id; nil if there is none.
func (c *Cluster) Node(id int32) *Node {
	if id < 1 || int(id) > len(c.Nodes) {
		return nil
	}
	return c.Nodes[id-1]
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
	cmd := n.java(ctx, "kafka.tools.StorageTool", "format", "--cluster-id="+clusterID, "--config", n.path("server.properties"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("formatting kafka node %d: %s", n.id, out), err)
	}
	return nil
}

// java is a command that runs a class of Kafka's jars.
func (n *Node) java(ctx context.Context, class string, args ...string) *exec.Cmd {
	all := slices.Concat([]string{
		"-Xms128m", fmt.Sprintf("-Xmx%dm", n.heapMiB), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
		"-Dlog4j2.configurationFile=" + n.path("log4j2.properties"),
		"-Dlog4j.configuration=file:" + n.path("log4j.properties"),
		"-cp", filepath.Join(n.libs, "*"),
	}, n.jvm, []string{class}, args)
	cmd := exec.CommandContext(ctx, "java", all...)
	cmd.Dir = n.dir
	return cmd
}

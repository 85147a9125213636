// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"fmt"
	"path/filepath"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/otelcol-feedback/otelcol-feedback/internal/ports"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/process"
)

// stopPatience is how long a node may take for an orderly end.
const stopPatience = 20 * time.Second

// Node is one broker and controller. It keeps its ports and its data when it
// is stopped, killed and started again.
type Node struct {
	id        int
	libs, dir string
	heapMiB   int
	jvm       []string // further arguments of the JVM
	ports     [portsPerNode]int
	proc      *process.Process // nil before the first start
}

// What a node's ports are for.
const (
	portClients = iota
	portController
	portGate       // where the proxy in front of it listens
	portGateTarget // where that proxy goes on to
	portSecured
	portSASL
	portCertificate
	portsPerNode
)

// ID is the node's id.
func (n *Node) ID() int32 { return int32(n.id) }

// Addr is where clients reach the node, whatever its other listeners are.
func (n *Node) Addr() string { return ports.Loopback(n.ports[portClients]) }

// GateAddr is where a proxy in front of the node's gated listener must listen.
func (n *Node) GateAddr() string { return ports.Loopback(n.ports[portGate]) }

// GateTarget is where the node's gated listener is.
func (n *Node) GateTarget() string { return ports.Loopback(n.ports[portGateTarget]) }

// SecuredAddr is where the node's secured listener is.
func (n *Node) SecuredAddr() string { return ports.Loopback(n.ports[portSecured]) }

// SASLAddr is where the node asks for a user over TLS.
func (n *Node) SASLAddr() string { return ports.Loopback(n.ports[portSASL]) }

// CertificateAddr is where the node asks for a client certificate.
func (n *Node) CertificateAddr() string { return ports.Loopback(n.ports[portCertificate]) }

func (n *Node) controllerAddr() string { return ports.Loopback(n.ports[portController]) }

// LogFile is the file with the node's output.
func (n *Node) LogFile() string { return n.path("kafka.log") }

// Running reports whether the node's process lives.
func (n *Node) Running() bool { return n.proc != nil && n.proc.Running() }

// Stop ends the node in an orderly way, or by force if that takes too long.
func (n *Node) Stop() {
	if n.proc != nil {
		n.proc.Stop(stopPatience)
	}
}

// Kill ends the node without any notice.
func (n *Node) Kill() {
	if n.proc != nil {
		n.proc.Kill()
	}
}

// Terminate asks the node to end, without waiting for it.
func (n *Node) Terminate() { n.signal(syscall.SIGTERM) }

// Freeze stops the node's process in its tracks; its connections stay open.
func (n *Node) Freeze() { n.signal(syscall.SIGSTOP) }

// Thaw lets a frozen node go on.
func (n *Node) Thaw() { n.signal(syscall.SIGCONT) }

func (n *Node) signal(s syscall.Signal) {
	if n.proc != nil {
		n.proc.Signal(s)
	}
}

// Restart starts a node that was stopped or killed, on the same ports, and
// waits until it answers.
func (n *Node) Restart(ctx context.Context) error {
	if err := n.Launch(); err != nil {
		return err
	}
	return n.awaitReady(ctx, 1)
}

// Launch is Restart without the wait.
func (n *Node) Launch() error {
	if n.Running() {
		return fmt.Errorf("kafka node %d is still running", n.id)
	}
	return n.launch()
}

func (n *Node) launch() error {
	// Not bound to a context: the node lives until it is stopped.
	cmd := n.java(context.Background(), "kafka.Kafka", n.path("server.properties"))
	p, err := process.Start(cmd, n.LogFile())
	if err != nil {
		return err
	}
	n.proc = p
	return nil
}

// awaitReady asks for metadata until the answer names this node and at least
// so many brokers in all.
func (n *Node) awaitReady(ctx context.Context, brokers int) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(n.Addr()), kgo.RequestRetries(0), kgo.DialTimeout(time.Second),
		kgo.MetadataMinAge(50*time.Millisecond))
	if err != nil {
		return err
	}
	defer client.Close()
	return n.proc.Await(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		// The request itself: the client's own answer would be the first one, for ever.
		meta, err := askForBrokers().RequestWith(ctx, client)
		if err != nil {
			return err
		}
		self := false
		for _, b := range meta.Brokers {
			self = self || b.NodeID == int32(n.id)
		}
		if !self || len(meta.Brokers) < brokers || meta.ControllerID < 0 {
			return fmt.Errorf("%d of %d brokers are up", len(meta.Brokers), brokers)
		}
		return nil
	})
}

func askForBrokers() *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none
	return req
}

// awaitTopic asks for metadata until all partitions of the topic have a leader.
func (n *Node) awaitTopic(ctx context.Context, topic string, partitions int) error {
	// The client answers from its memory for as long as MetadataMinAge.
	client, err := kgo.NewClient(kgo.SeedBrokers(n.Addr()), kgo.RequestRetries(0), kgo.MetadataMinAge(50*time.Millisecond))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	return n.proc.Await(ctx, func(ctx context.Context) error {
		meta, err := admin.Metadata(ctx, topic)
		if err != nil {
			return err
		}
		led := 0
		for _, p := range meta.Topics[topic].Partitions {
			if p.Err == nil && p.Leader >= 0 {
				led++
			}
		}
		if led < partitions {
			return fmt.Errorf("%d of %d partitions of %s have a leader", led, partitions, topic)
		}
		return nil
	})
}

func (n *Node) path(name string) string { return filepath.Join(n.dir, name) }

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/ports"
)

// Options say what a cluster is like. The zero value is one node.
type Options struct {
	// Nodes is how many there are, each broker and controller; 1 if 0.
	Nodes int
	// Properties are added to each node's server.properties, or replace what
	// stands there.
	Properties map[string]string
}

// logging writes what a node says to its standard output.
const logging = `status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1} %m%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
`

// properties is the server.properties of the node with the given id.
func properties(id int, nodes []*Node, opts Options) string {
	voters := make([]string, len(nodes))
	for i, n := range nodes {
		voters[i] = fmt.Sprintf("%d@%s", n.id, ports.Loopback(n.controllerPort))
	}
	n := nodes[id-1]
	replicas := fmt.Sprint(len(nodes))
	p := map[string]string{
		"process.roles":                  "broker,controller",
		"node.id":                        fmt.Sprint(n.id),
		"controller.quorum.voters":       strings.Join(voters, ","),
		"controller.listener.names":      "CONTROLLER",
		"listeners":                      fmt.Sprintf("PLAINTEXT://%s,CONTROLLER://%s", n.Addr(), ports.Loopback(n.controllerPort)),
		"advertised.listeners":           "PLAINTEXT://" + n.Addr(),
		"listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
		"inter.broker.listener.name":     "PLAINTEXT",
		"log.dirs":                       filepath.Join(n.dir, "data"),
		// A missing topic is a case of its own; none may appear by accident.
		"auto.create.topics.enable":                        "false",
		"default.replication.factor":                       replicas,
		"min.insync.replicas":                              fmt.Sprint(len(nodes)/2 + 1),
		"offsets.topic.replication.factor":                 replicas,
		"offsets.topic.num.partitions":                     "3",
		"transaction.state.log.replication.factor":         replicas,
		"transaction.state.log.min.isr":                    fmt.Sprint(len(nodes)/2 + 1),
		"transaction.state.log.num.partitions":             "3",
		"share.coordinator.state.topic.replication.factor": replicas,
		"share.coordinator.state.topic.min.isr":            fmt.Sprint(len(nodes)/2 + 1),
		// Tests join groups alone and stop nodes often: do not wait for others.
		"group.initial.rebalance.delay.ms":     "0",
		"controlled.shutdown.retry.backoff.ms": "500",
	}
	maps.Copy(p, opts.Properties)
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&b, "%s=%s\n", k, p[k])
	}
	return b.String()
}

// writeConfig lays out the node's directory.
func (n *Node) writeConfig(props string) error {
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(n.path("server.properties"), []byte(props), 0o600); err != nil {
		return err
	}
	return os.WriteFile(n.path("log4j2.properties"), []byte(logging), 0o600)
}

// newClusterID makes an id as Kafka wants it: 16 bytes in URL-safe base64.
func newClusterID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

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
)

// Options say what a cluster is like. The zero value is one node.
type Options struct {
	// Nodes is how many there are, each broker and controller; 1 if 0.
	Nodes int
	// Gated gives each node a second listener that clients reach through a proxy:
	// it advertises Node.GateAddr, and listens on Node.GateTarget.
	Gated bool
	// Secured gives each node a listener, Node.SecuredAddr, that takes the user
	// User with its Password only, and an authorizer for what that user may do;
	// on the other listeners everything is allowed.
	Secured bool
	// TLS gives each node two listeners over TLS, Node.SASLAddr and
	// Node.CertificateAddr.
	TLS *TLS
	// HeapMiB bounds the heap of each node; 768 if 0.
	HeapMiB int
	// Properties are added to each node's server.properties, or replace what
	// stands there.
	Properties map[string]string
}

// User and Password are what a secured listener takes (SASL/PLAIN).
const (
	User     = "collector"
	Password = "loopback-only"
)

// logging writes what a node says to its standard output.
const logging = `status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1} %m%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
`

// oldLogging is the same for Kafka 3.
const oldLogging = `log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %c{1} %m%n
`

// properties is the server.properties of the node with the given id.
func properties(id int, nodes []*Node, opts Options) string {
	voters := make([]string, len(nodes))
	for i, n := range nodes {
		voters[i] = fmt.Sprintf("%d@%s", n.id, n.controllerAddr())
	}
	n := nodes[id-1]
	replicas := fmt.Sprint(len(nodes))
	p := map[string]string{
		"process.roles":                  "broker,controller",
		"node.id":                        fmt.Sprint(n.id),
		"controller.quorum.voters":       strings.Join(voters, ","),
		"controller.listener.names":      "CONTROLLER",
		"listeners":                      fmt.Sprintf("PLAINTEXT://%s,CONTROLLER://%s", n.Addr(), n.controllerAddr()),
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
	addListeners(p, n, opts)
	if opts.TLS != nil {
		opts.TLS.properties(p)
	}
	maps.Copy(p, opts.Properties)
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&b, "%s=%s\n", k, p[k])
	}
	return b.String()
}

// addListeners adds the listeners that were asked for.
func addListeners(p map[string]string, n *Node, opts Options) {
	add := func(name, protocol, bind, advertised string) {
		p["listeners"] += "," + name + "://" + bind
		p["advertised.listeners"] += "," + name + "://" + advertised
		p["listener.security.protocol.map"] += "," + name + ":" + protocol
	}
	if opts.Gated {
		add("GATED", "PLAINTEXT", n.GateTarget(), n.GateAddr())
	}
	if opts.TLS != nil {
		add(listenerSASL, "SASL_SSL", n.SASLAddr(), n.SASLAddr())
		add(listenerCertificate, "SSL", n.CertificateAddr(), n.CertificateAddr())
	}
	if opts.Secured {
		add("SECURED", "SASL_PLAINTEXT", n.SecuredAddr(), n.SecuredAddr())
		p["listener.name.secured.sasl.enabled.mechanisms"] = "PLAIN"
		p["listener.name.secured.plain.sasl.jaas.config"] = fmt.Sprintf(
			`org.apache.kafka.common.security.plain.PlainLoginModule required user_%s="%s";`, User, Password)
		p["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
		p["super.users"] = "User:ANONYMOUS"
	}
}

// writeConfig lays out the node's directory.
func (n *Node) writeConfig(props string) error {
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(n.path("server.properties"), []byte(props), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(n.path("log4j.properties"), []byte(oldLogging), 0o600); err != nil {
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

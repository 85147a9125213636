// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package kafka runs Apache Kafka from its jars, for tests: KRaft nodes that
// are broker and controller in one, on loopback ports of their own, with their
// data in a temporary directory.
//
// "make kafka-libs" puts the jars that pom.xml names into .cache/kafka/libs;
// the environment variable FEEDBACK_KAFKA_LIBS says where they are.
package kafka // import "github.com/otelcol-feedback/otelcol-feedback/testbed/kafka"

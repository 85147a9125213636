// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:generate mdatagen metadata.yaml

// Package feedbackkafkaexporter writes each feedback event as one Kafka record.
//
// A record walks through the package in one direction:
//
//	ConsumeLogs → record.go or deadletter.go builds it
//	            → delivery.go queues it in order of arrival and hands it to the client
//	            → outcome.go takes what became of it, by the table in fate.go
//	            → lane.go keeps what came back, and what arrived behind it, in order
//
// Beside it, health.go watches the brokers and the topics, and topics.go
// creates topics that are missing.
package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

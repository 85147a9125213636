// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build race

package feedbackkafkaexporter

const raceDetector = true

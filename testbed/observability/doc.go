// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package observability runs a Prometheus that scrapes the built binary, with
// the rules of distribution/observability in shorter windows: which alerts turn
// on and off when something breaks, and whether every panel of the dashboards has
// data. It can draw the dashboards from what it has scraped.
package observability // import "github.com/otelcol-feedback/otelcol-feedback/testbed/observability"

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package token makes and verifies the JSON Web Tokens that clients show, and
// reads the keys for both.
package token // import "github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"

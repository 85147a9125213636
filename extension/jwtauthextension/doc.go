// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:generate mdatagen metadata.yaml

// Package jwtauthextension authenticates clients by JSON Web Tokens: bearer
// tokens with scopes, and presigned tokens that are good for one request.
package jwtauthextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/jwtauthextension"

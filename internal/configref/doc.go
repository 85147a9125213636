// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package configref describes the configuration of this project's components
// from their Go types: the pages of docs/reference and the JSON Schema in
// distribution/schema. The comment of each field tells what the type cannot:
//
//	// MaxHeaderBytes bounds request line and headers. Unit: bytes. Bounds: at
//	// least 1024. Default: 65536.
//
// The sentences that are understood, each at most once and in any order:
//
//   - "Unit: bytes."
//   - "Bounds: 1 to 10.", "Bounds: at least 1s.", "Bounds: more than 0.", and
//     "Bounds: more than 0, at most 1m."; a key stands for its value
//   - "One of: all, failures, none." for the values of a string, the entries of
//     a list or the values of a map
//   - "Names: email, phone." for the names in a map
//   - "Default: 65536." or "Required."
//
// A list item "- key: …" in the comment of a field whose type belongs to another
// project says the same of a key in it, where this project is stricter.
package configref // import "github.com/otelcol-feedback/otelcol-feedback/internal/configref"

//go:generate go run ./cmd/configref -root ../..

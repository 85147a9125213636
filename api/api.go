// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package api holds the descriptions of the interface: the OpenAPI document of
// the HTTP half, the JSON Schema of one event, and, in feedback/v1, the protobuf
// definitions with their Go stubs.
//
// It is a module of its own, so that a client needs nothing but gRPC and
// protobuf.
package api // import "github.com/otelcol-feedback/otelcol-feedback/api"

import _ "embed" // the documents are part of the binary

// OpenAPI is the OpenAPI 3.1 document, in YAML, that the collector serves at
// /openapi.yaml. It must not be changed.
//
//go:embed openapi.yaml
var OpenAPI []byte

// JSONSchema is the JSON Schema (2020-12) of one event that the collector serves
// at /schema/v1/feedback.json. It must not be changed.
//
//go:embed feedback.schema.json
var JSONSchema []byte

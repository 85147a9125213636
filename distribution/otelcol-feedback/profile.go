// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build profile

package main

import (
	"log"
	"net/http"
	_ "net/http/pprof" // for "make profile"; no build that is shipped has it
	"os"
)

// init serves profiles at the address in PROFILE_ADDRESS.
func init() {
	go func() { log.Fatal(http.ListenAndServe(os.Getenv("PROFILE_ADDRESS"), nil)) }() //nolint:gosec // see above
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// LibsEnv names the directory of Kafka's jars.
const LibsEnv = "FEEDBACK_KAFKA_LIBS"

// Libs returns the directory of Kafka's jars. Without it, or without Java, the
// test is skipped; with CI=true it fails.
func Libs(tb testing.TB) string {
	tb.Helper()
	libs := os.Getenv(LibsEnv)
	jars, _ := filepath.Glob(filepath.Join(libs, "kafka_*.jar"))
	if libs == "" || len(jars) == 0 {
		missing(tb, LibsEnv+" names no directory with Kafka's jars: run \"make kafka-libs\", or \"make test\", which sets it")
	}
	if _, err := exec.LookPath("java"); err != nil {
		missing(tb, "there is no java: run \"apt-get install openjdk-17-jre-headless\"")
	}
	return libs
}

func missing(tb testing.TB, what string) {
	tb.Helper()
	if os.Getenv("CI") == "true" {
		tb.Fatal(what)
	}
	tb.Skip(what)
}

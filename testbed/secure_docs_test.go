// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/ports"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/kafka"
)

// kafkaTools are the scripts of a Kafka that the guide runs, and their classes.
var kafkaTools = map[string]string{
	"kafka-storage.sh":      "kafka.tools.StorageTool",
	"kafka-server-start.sh": "kafka.Kafka",
	"kafka-acls.sh":         "org.apache.kafka.tools.AclCommand",
	"kafka-configs.sh":      "kafka.admin.ConfigCommand",
}

// kafkaHome lays out a Kafka whose scripts run the jars.
func kafkaHome(t *testing.T, libs string) string {
	t.Helper()
	home := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(home, "bin"), 0o700))
	for name, class := range kafkaTools {
		script := fmt.Sprintf(`#!/bin/sh
run() { exec java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '%s/*' %s "$@"; }
if [ "$1" = -daemon ]; then shift; run "$@" > '%s/kafka.log' 2>&1 & else run "$@"; fi
`, libs, class, home)
		require.NoError(t, os.WriteFile(filepath.Join(home, "bin", name), []byte(script), 0o700))
	}
	return home
}

// checkout is a folder that holds what the guide's commands need of this
// repository, with ports of its own.
func checkout(t *testing.T, places *strings.Replacer) string {
	t.Helper()
	root, dir := filepath.Dir(filepath.Dir(collector.ConfigFile("secure.yaml"))), t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "bin"), 0o700))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "examples", "secure"), 0o700))
	for from, to := range map[string]string{
		collector.Binary(t): "bin/otelcol-feedback", ctlBinary(t): "bin/feedbackctl", filepath.Join(root, "config"): "config",
	} {
		require.NoError(t, os.Symlink(from, filepath.Join(dir, to)))
	}
	for _, name := range []string{"kafka.properties", "admin.properties"} {
		text, err := os.ReadFile(filepath.Join(root, "examples", "secure", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "examples", "secure", name), []byte(places.Replace(string(text))), 0o600))
	}
	return dir
}

// TestSecureSetup runs the guide as a newcomer does: every command, in one shell.
func TestSecureSetup(t *testing.T) {
	libs := kafka.Libs(t)
	for _, tool := range []string{"openssl", "curl"} {
		_, err := exec.LookPath(tool)
		require.NoError(t, err, "the guide needs %[1]s: run \"apt-get install %[1]s\"", tool)
	}
	free, err := ports.Free(8)
	require.NoError(t, err)
	at := func(i int) string { return ports.Loopback(free[i]) }
	places := strings.NewReplacer("localhost:8080", at(0), "localhost:9093", at(1), "localhost:9094", at(2), "localhost:9095", at(3))
	dir := checkout(t, places)
	commands := shellBlocks(t, filepath.Join(filepath.Dir(collector.ConfigFile("")), "docs", "secure-setup.md"))
	require.Len(t, commands, 11, "ten commands, and one for later")

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	script := "set -eu\n"
	for _, command := range commands {
		script += places.Replace(command) + "echo '=== done'\n"
	}
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "KAFKA_HOME="+kafkaHome(t, libs), "COLLECTOR_HTTP__ENDPOINT="+at(0),
		"COLLECTOR_GRPC__ENDPOINT="+at(4), "COLLECTOR_OTLP__GRPC_ENDPOINT="+at(5), "COLLECTOR_OTLP__HTTP_ENDPOINT="+at(6),
		fmt.Sprintf("COLLECTOR_TELEMETRY__METRICS_PORT=%d", free[7]))
	// Kafka and the collector go on when the shell has ended; they end with its group.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	output := filepath.Join(dir, "output")
	file, err := os.Create(output)
	require.NoError(t, err)
	cmd.Stdout, cmd.Stderr = file, file
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	require.NoError(t, cmd.Start())
	defer func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }()
	err = cmd.Wait()
	require.NoError(t, file.Close())
	text, readErr := os.ReadFile(output)
	require.NoError(t, readErr)
	log, _ := os.ReadFile(filepath.Join(dir, "data", "secure", "collector.log"))
	require.NoError(t, err, "%s\n%s", text, log)

	said := strings.Split(string(text), "=== done\n")
	require.Len(t, said, len(commands)+1)
	assert.Contains(t, said[5], "feedback-events: created, partitions 12, copies 1")
	assert.Contains(t, said[8], `"accepted":1,"rejected":0`)
	assert.Contains(t, said[9], "key=s-1")
	assert.Contains(t, said[9], "Mail me at [EMAIL_REDACTED]")
	assert.Contains(t, string(log), "authentication_attempt")

	secret, err := os.ReadFile(filepath.Join(dir, "data", "secure", "token.secret"))
	require.NoError(t, err)
	env, err := os.ReadFile(filepath.Join(dir, "data", "secure", "env"))
	require.NoError(t, err)
	_, password, _ := strings.Cut(string(env), "SASL_PASSWORD=")
	for _, hidden := range []string{strings.TrimSpace(string(secret)), strings.TrimSpace(password), "ann@example.com"} {
		assert.NotEmpty(t, hidden)
		assert.NotContains(t, string(log), hidden)
		assert.NotContains(t, string(text), hidden)
	}
}

// TestSecureSetupOverlays starts secure.yaml with the guide's other ways to be
// known to Kafka.
func TestSecureSetupOverlays(t *testing.T) {
	s := newStream(t)
	p := newSecured(t, s, strings.Repeat("0123456789abcdef", 2), "overlay-user", "overlay-password")
	page := filepath.Join(filepath.Dir(collector.ConfigFile("")), "docs", "secure-setup.md")
	overlays := blocks(t, page, "yaml")
	require.Len(t, overlays, 2)
	client, secret := shared.security.client, filepath.Join(t.TempDir(), "oauth.secret")
	require.NoError(t, os.WriteFile(secret, []byte("overlay-secret"), 0o600))
	endpoint := tokenEndpoint(t, "overlay-secret", func() (string, error) { return shared.security.token("collector", time.Minute) })
	places := strings.NewReplacer("data/secure/collector.pem", client.Cert, "data/secure/collector.key", client.Key,
		"data/secure/oauth.secret", secret, "https://issuer.example/oauth2/token", endpoint.URL)
	for i, brokers := range []string{s.cluster.Nodes[0].CertificateAddr(), s.cluster.Nodes[0].SASLAddr()} {
		c := collector.Run(t, collector.Options{
			Configs: []string{collector.ConfigFile("secure.yaml"), writeConfig(t, places.Replace(overlays[i]))},
			Env:     append(p.env, "COLLECTOR_KAFKA__BROKERS="+brokers, "COLLECTOR_KAFKA__SASL_USERNAME=", "COLLECTOR_KAFKA__SASL_PASSWORD="),
			TLS:     p.client,
		})
		awaitLog(t, c, "Delivering to Kafka")
		assertStops(t, c)
	}
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package chart renders the Helm chart and looks into what comes out.
package chart // import "github.com/otelcol-feedback/otelcol-feedback/distribution/kubernetes/test/chart"

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	// Release is the name that the plain manifests are rendered for.
	Release = "otelcol-feedback"
	// Namespace is where they go.
	Namespace = "feedback"
	// kubeVersion is that of the API server in the tests.
	kubeVersion = "1.34.2"
)

// Dir is the folder distribution/kubernetes.
func Dir() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..")
}

// Repository is a path in the repository.
func Repository(path ...string) string {
	return filepath.Join(append([]string{Dir(), "..", ".."}, path...)...)
}

// Path is the chart's folder.
func Path() string { return filepath.Join(Dir(), "otelcol-feedback") }

// Values are the files of values that are tested, by name: those of the plain
// manifests, and the cases of the tests.
func Values(tb testing.TB) map[string]string {
	tb.Helper()
	files := map[string]string{}
	for _, folder := range []string{"values", "test/testdata/cases"} {
		found, err := filepath.Glob(filepath.Join(Dir(), folder, "*.yaml"))
		require.NoError(tb, err)
		require.NotEmpty(tb, found)
		for _, f := range found {
			files[strings.TrimSuffix(filepath.Base(f), ".yaml")] = f
		}
	}
	return files
}

// Helm runs helm. Without FEEDBACK_HELM the test is skipped; with CI=true it fails.
func Helm(tb testing.TB, args ...string) (string, error) {
	tb.Helper()
	helm := os.Getenv("FEEDBACK_HELM")
	if helm == "" {
		Missing(tb, `FEEDBACK_HELM names no helm: run "make test-helm", which sets it`)
	}
	cmd := exec.Command(helm, args...) //nolint:gosec // the helm of the test, its arguments
	// Its own folders, so that no plugin and no cache of the user changes the answer.
	home := tb.TempDir()
	cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("helm %s: %w\n%s", strings.Join(args, " "), err, errs.String())
	}
	return string(out), err
}

// Render is helm template with the arguments, --values or --set.
func Render(tb testing.TB, args ...string) string {
	tb.Helper()
	key := strings.Join(args, "\n")
	if out, ok := rendered.Load(key); ok {
		return out.(string)
	}
	out, err := Template(tb, args...)
	require.NoError(tb, err)
	rendered.Store(key, out)
	return out
}

// rendered keeps what was rendered once, by its arguments: helm takes its time.
var rendered sync.Map

// Template is Render, with the error.
func Template(tb testing.TB, args ...string) (string, error) {
	tb.Helper()
	return Helm(tb, append([]string{
		"template", Release, Path(), "--namespace", Namespace, "--kube-version", kubeVersion,
	}, args...)...)
}

// Missing skips the test, or fails it with CI=true.
func Missing(tb testing.TB, what string) {
	tb.Helper()
	if os.Getenv("CI") == "true" {
		tb.Fatal(what)
	}
	tb.Skip(what)
}

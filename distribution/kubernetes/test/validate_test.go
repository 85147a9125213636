// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package kubernetes

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/otelcol-feedback/otelcol-feedback/distribution/kubernetes/test/chart"
)

// TestConfigurationsAreValid: the built binary takes the configuration of each case,
// with the variables of its pod.
func TestConfigurationsAreValid(t *testing.T) {
	binary := os.Getenv("FEEDBACK_BIN")
	if binary == "" {
		chart.Missing(t, `FEEDBACK_BIN names no collector: run "make test-helm", which sets it`)
	}
	validate := func(t *testing.T, w *chart.Workload) (string, error) {
		dir := t.TempDir()
		files, err := w.Write(dir)
		require.NoError(t, err)
		args := []string{"validate"}
		for _, f := range files {
			args = append(args, "--config", f)
		}
		cmd := exec.Command(binary, args...)
		cmd.Dir = dir
		for name, value := range w.Env() {
			cmd.Env = append(cmd.Env, name+"="+strings.ReplaceAll(value, "/secrets/", secrets(t)))
		}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	each(t, func(t *testing.T, _ string, objects []runtime.Object) {
		w, err := chart.FindWorkload(objects)
		require.NoError(t, err)
		out, err := validate(t, w)
		require.NoError(t, err, out)
		assert.NotContains(t, out, "is no variable", "a variable that nobody reads")

		w.Config.Data["kubernetes.yaml"] += "nonsense: 1\n"
		_, err = validate(t, w)
		require.Error(t, err, "it takes anything")
	})
}

// secrets is a folder with what the mounted Secrets would hold.
func secrets(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{
		"kafka-ca/ca.crt", "kafka-client/tls.crt", "kafka-client/tls.key", "tls/tls.crt", "tls/tls.key", "client-ca/ca.crt", "auth/key",
	} {
		path := filepath.Join(dir, file)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte("a file"), 0o600))
	}
	return dir + "/"
}

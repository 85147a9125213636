// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// staged lays out a small repository and stage; nothing in them is a program.
func staged(t *testing.T) (root, stage string) {
	t.Helper()
	root, stage = t.TempDir(), t.TempDir()
	write := func(folder, name string) {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(name+"\n"), 0o600))
	}
	for _, name := range []string{
		"LICENSE", "README.md", "CHANGELOG.md", "config/collector.yaml", "config/quickstart.yaml", "config/config_test.go", "config/overlays/o.yaml",
	} {
		write(root, name)
	}
	for _, name := range []string{
		"otelcol-feedback.service", "environment", "copyright", "deb/preinst", "deb/postinst", "deb/prerm", "deb/postrm",
		"rpm/pre", "rpm/post", "rpm/preun", "rpm/postun",
	} {
		write(root, "distribution/packages/"+name)
	}
	for _, folder := range []string{"linux-amd64/", "windows-arm64/"} {
		for _, name := range []string{"otelcol-feedback", "feedbackctl", "THIRD_PARTY_LICENSES", "sbom/a.cdx.json"} {
			write(stage, folder+name)
			write(stage, folder+name+".exe")
		}
	}
	for _, name := range []string{"man/feedbackctl.1", "man/otelcol-feedback.8", "completions/feedbackctl.bash", "completions/_feedbackctl", "completions/feedbackctl.fish"} {
		write(stage, "share/"+name)
	}
	return root, stage
}

var fileTime = time.Unix(1_000_000_000, 0)

func TestSameInputSameBytes(t *testing.T) {
	root, stage := staged(t)
	outs := []string{t.TempDir(), t.TempDir()}
	for _, out := range outs {
		require.NoError(t, run([]string{"-version", "1.2.3", "-time", "1790000000", "-root", root, "-stage", stage, "-out", out, "linux/amd64", "windows/arm64"}))
		// Its time is no part of it.
		require.NoError(t, os.Chtimes(filepath.Join(root, "LICENSE"), fileTime, fileTime))
	}
	names, err := os.ReadDir(outs[0])
	require.NoError(t, err)
	var got []string
	for _, f := range names {
		got = append(got, f.Name())
		a, err := os.ReadFile(filepath.Join(outs[0], f.Name()))
		require.NoError(t, err)
		b, err := os.ReadFile(filepath.Join(outs[1], f.Name()))
		require.NoError(t, err)
		assert.True(t, bytes.Equal(a, b), f.Name())
	}
	assert.Equal(t, []string{
		"SHA256SUMS", "otelcol-feedback-1.2.3-1.x86_64.rpm", "otelcol-feedback_1.2.3-1_amd64.deb",
		"otelcol-feedback_1.2.3_linux_amd64.tar.gz", "otelcol-feedback_1.2.3_windows_arm64.zip",
	}, got)
	sums, err := os.ReadFile(filepath.Join(outs[0], "SHA256SUMS"))
	require.NoError(t, err)
	assert.Len(t, strings.Split(strings.TrimSpace(string(sums)), "\n"), 4)
}

func TestArchives(t *testing.T) {
	root, stage := staged(t)
	out := t.TempDir()
	require.NoError(t, run([]string{"-version", "1.2.3", "-root", root, "-stage", stage, "-out", out, "-formats", "", "linux/amd64", "windows/arm64"}))

	f, err := os.Open(filepath.Join(out, "otelcol-feedback_1.2.3_linux_amd64.tar.gz"))
	require.NoError(t, err)
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	require.NoError(t, err)
	modes := map[string]int64{}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		modes[strings.TrimPrefix(header.Name, "otelcol-feedback_1.2.3_linux_amd64/")] = header.Mode
	}
	assert.Equal(t, map[string]int64{
		"otelcol-feedback": 0o755, "feedbackctl": 0o755, "THIRD_PARTY_LICENSES": 0o644, "LICENSE": 0o644, "README.md": 0o644,
		"CHANGELOG.md": 0o644, "config/collector.yaml": 0o644, "config/quickstart.yaml": 0o644, "config/overlays/o.yaml": 0o644,
		"sbom/a.cdx.json": 0o644, "sbom/a.cdx.json.exe": 0o644, "man/feedbackctl.1": 0o644, "man/otelcol-feedback.8": 0o644,
		"completions/feedbackctl.bash": 0o644, "completions/_feedbackctl": 0o644, "completions/feedbackctl.fish": 0o644,
	}, modes)

	z, err := zip.OpenReader(filepath.Join(out, "otelcol-feedback_1.2.3_windows_arm64.zip"))
	require.NoError(t, err)
	defer z.Close()
	var names []string
	for _, file := range z.File {
		names = append(names, strings.TrimPrefix(file.Name, "otelcol-feedback_1.2.3_windows_arm64/"))
	}
	assert.Contains(t, names, "otelcol-feedback.exe")
	assert.NotContains(t, names, "man/feedbackctl.1")
}

func TestPackageContents(t *testing.T) {
	root, stage := staged(t)
	r := &release{version: "1.2.3", root: root, stage: stage, time: fileTime}
	contents, err := r.contents(platform{"linux", "amd64"}, "deb", t.TempDir())
	require.NoError(t, err)
	kinds := map[string]string{}
	for _, c := range contents {
		kinds[c.Destination] = c.Type
	}
	assert.Equal(t, configFile, kinds["/etc/otelcol-feedback/collector.yaml"])
	assert.Equal(t, configFile, kinds["/etc/otelcol-feedback/overlays/o.yaml"])
	assert.Equal(t, configFile, kinds["/etc/otelcol-feedback/environment"])
	assert.NotContains(t, kinds, "/etc/otelcol-feedback/quickstart.yaml", "its broker forgets everything")
	for _, name := range []string{
		"/usr/bin/otelcol-feedback", "/usr/bin/feedbackctl", "/usr/lib/systemd/system/otelcol-feedback.service",
		"/usr/share/man/man1/feedbackctl.1.gz", "/usr/share/man/man8/otelcol-feedback.8.gz", "/usr/share/doc/otelcol-feedback/copyright",
		"/usr/share/zsh/vendor-completions/_feedbackctl",
	} {
		assert.Contains(t, kinds, name)
	}
}

func TestMissingInput(t *testing.T) {
	root, stage := staged(t)
	require.NoError(t, os.Remove(filepath.Join(stage, "linux-amd64", "THIRD_PARTY_LICENSES")))
	out := t.TempDir()
	err := run([]string{"-version", "1.2.3", "-root", root, "-stage", stage, "-out", out, "linux/amd64"})
	require.ErrorIs(t, err, os.ErrNotExist)
	left, err := os.ReadDir(out)
	require.NoError(t, err)
	assert.Empty(t, left, "no half of a file is left")

	for _, args := range [][]string{{}, {"-version", "1", "-stage", stage, "-out", out}, {"-version", "1", "-stage", stage, "-out", out, "linux"}} {
		require.Error(t, run(args))
	}
}

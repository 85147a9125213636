// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/licenseclassifier/v2/assets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// readSBOM reads what was written, as any reader of the format would.
func readSBOM(t *testing.T, name string) *cdx.BOM {
	t.Helper()
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	bom := new(cdx.BOM)
	require.NoError(t, cdx.NewBOMDecoder(bytes.NewReader(content), cdx.BOMFileFormatJSON).Decode(bom))
	return bom
}

// linked are the modules that "go version -m" prints, as PATH@VERSION; ours have
// the version of the product.
func linked(t *testing.T, binary, version string) []string {
	t.Helper()
	out, err := exec.Command("go", "version", "-m", binary).Output()
	require.NoError(t, err)
	var modules []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, binary+": go"):
			modules = append(modules, "std@"+strings.TrimPrefix(fields[len(fields)-1], "go"))
		case len(fields) == 0, fields[0] != "dep":
		case isOwn(fields[1]):
			modules = append(modules, fields[1]+"@"+version)
		default:
			modules = append(modules, fields[1]+"@"+fields[2])
		}
	}
	return modules
}

// assertSBOM holds a bill of materials against its binary.
func assertSBOM(t *testing.T, file, binary, version string) {
	t.Helper()
	bom := readSBOM(t, file)
	var listed []string
	refs := map[string]bool{}
	for _, c := range *bom.Components {
		listed = append(listed, c.Name+"@"+c.Version)
		assert.False(t, refs[c.BOMRef], "%s is there twice", c.BOMRef)
		refs[c.BOMRef] = true
		assert.NotNil(t, c.Licenses, "licence of %s", c.Name)
		assert.True(t, strings.HasPrefix(c.PackageURL, "pkg:golang/"), c.PackageURL)
	}
	assert.ElementsMatch(t, linked(t, binary, version), listed)
	assert.Greater(t, len(listed), 1)
	assert.Equal(t, filepath.Base(binary), bom.Metadata.Component.Name)
	assert.Equal(t, version, bom.Metadata.Component.Version)
	assert.Empty(t, bom.SerialNumber)
	assert.Empty(t, bom.Metadata.Timestamp)
}

// build compiles this program: any will do.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "program")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", binary, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return binary
}

func TestListsExactlyTheModulesOfABinary(t *testing.T) {
	binary, dir := build(t), t.TempDir()
	var list bytes.Buffer
	args := []string{"-version", "1.2.3", "-sbom", dir, "-notices", filepath.Join(dir, "NOTICES"), "-list", binary + "=."}
	require.NoError(t, run(args, &list))

	assertSBOM(t, filepath.Join(dir, "program.cdx.json"), binary, "1.2.3")
	assert.Contains(t, list.String(), "github.com/CycloneDX/cyclonedx-go@v0.12.0 Apache-2.0\n")
	notices, err := os.ReadFile(filepath.Join(dir, "NOTICES"))
	require.NoError(t, err)
	assert.Contains(t, string(notices), "github.com/CycloneDX/cyclonedx-go@v0.12.0: NOTICE\n")
	assert.Contains(t, string(notices), "Copyright 2009 The Go Authors")
	assert.NotContains(t, string(notices), ownPrefix)

	first, err := os.ReadFile(filepath.Join(dir, "program.cdx.json"))
	require.NoError(t, err)
	require.NoError(t, run(args, &list))
	second, err := os.ReadFile(filepath.Join(dir, "program.cdx.json"))
	require.NoError(t, err)
	assert.Equal(t, string(first), string(second), "the same binary, other bytes")
}

// TestBuiltBinaries holds what "make sbom" and "make licenses" wrote against the
// binaries in bin/; make test-sbom runs it.
func TestBuiltBinaries(t *testing.T) {
	bin, version := os.Getenv("INVENTORY_BIN"), os.Getenv("INVENTORY_VERSION")
	if bin == "" {
		t.Skip("INVENTORY_BIN names no folder: run make test-sbom")
	}
	for _, name := range []string{"otelcol-feedback", "feedbackctl"} {
		assertSBOM(t, filepath.Join(bin, "sbom", name+".cdx.json"), filepath.Join(bin, name), version)
	}
	notices, err := os.ReadFile(filepath.Join(bin, "THIRD_PARTY_LICENSES"))
	require.NoError(t, err)
	for _, m := range linked(t, filepath.Join(bin, "otelcol-feedback"), version) {
		if !strings.HasPrefix(m, ownPrefix) {
			assert.Contains(t, string(notices), "\n"+m+"  ")
			assert.Contains(t, string(notices), "\n"+m+": ", "no text of %s", m)
		}
	}
}

const mit = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:
The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.
THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`

func TestJudgesLicences(t *testing.T) {
	classify, err := newClassifier()
	require.NoError(t, err)
	text, err := assets.ReadLicenseFile("License/AGPL-3.0/license.txt")
	require.NoError(t, err)
	agpl := string(text)
	for _, tt := range []struct {
		name  string
		files map[string]string
		ids   string
		says  string
	}{
		{name: "one", files: map[string]string{"LICENSE": mit}, ids: "MIT"},
		{name: "in words of its own", files: map[string]string{"LICENSE": "Take it.\n"}, ids: "NOASSERTION", says: "LICENSE is no licence that is known"},
		{name: "none", files: map[string]string{"README.md": mit}, ids: "NOASSERTION", says: "no licence text found"},
		{name: "a notice alone", files: map[string]string{"NOTICE": mit}, ids: "NOASSERTION", says: "no licence text found"},
		{name: "not allowed", files: map[string]string{"COPYING": agpl}, ids: "AGPL-3.0", says: "licence AGPL-3.0 is not allowed"},
		{name: "beside a package", files: map[string]string{"LICENSE": mit, "part/LICENSE.txt": agpl}, ids: "AGPL-3.0 AND MIT", says: "licence AGPL-3.0 is not allowed"},
		{name: "beside what is not linked", files: map[string]string{"LICENSE": mit, "other/LICENSE": agpl}, ids: "MIT"},
		{name: "code of that name", files: map[string]string{"LICENSE": mit, "license.go": agpl}, ids: "MIT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			part := filepath.Join(root, "part")
			require.NoError(t, os.MkdirAll(part, 0o700))
			require.NoError(t, os.MkdirAll(filepath.Join(root, "other"), 0o700))
			for name, content := range tt.files {
				require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(content), 0o600))
			}
			l := licensed{module: module{path: "example.com/m", version: "v1.0.0"}}
			l.texts, err = textsOf([]string{root, part}, classify)
			require.NoError(t, err)
			l.settle()
			assert.Equal(t, tt.ids, l.expression())
			faults := l.judge()
			if tt.says == "" {
				assert.Empty(t, faults)
			} else if assert.Len(t, faults, 1) {
				assert.ErrorContains(t, faults[0], "example.com/m@v1.0.0")
				assert.ErrorContains(t, faults[0], tt.says)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	for _, args := range [][]string{nil, {"a=b"}, {"-version", "1", "a"}, {"-version", "1"}, {"-version", "1", filepath.Join(t.TempDir(), "none") + "=."}} {
		assert.Error(t, run(args, new(bytes.Buffer)), "%v", args)
	}
}

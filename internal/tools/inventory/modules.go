// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// module is one module that was linked into a binary.
type module struct {
	path, version string
	sum           string // as in go.sum; empty for our own
	own           bool
}

// standardLibrary is the path under which Go's own packages are listed.
const standardLibrary = "std"

func (m module) String() string {
	if m.own {
		return m.path
	}
	return m.path + "@" + m.version
}

// binary is what the linker wrote down in a built program.
type binary struct {
	name    string // file name
	file    string
	module  string // of the main package
	modules []module
	// licensed are the modules again, with their licences.
	licensed []licensed
}

// readBinary reads what "go version -m" prints.
func readBinary(file string) (*binary, error) {
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return nil, err
	}
	b := &binary{name: filepath.Base(file), file: file, module: info.Main.Path}
	b.modules = append(b.modules, module{path: standardLibrary, version: strings.TrimPrefix(info.GoVersion, "go")})
	for _, dep := range info.Deps {
		m := module{path: dep.Path, version: dep.Version, sum: dep.Sum, own: isOwn(dep.Path)}
		if r := dep.Replace; r != nil && !m.own {
			// A fork under another path is another module; ours are replaced by
			// their folders.
			m.path, m.version, m.sum = r.Path, r.Version, r.Sum
		}
		if !m.own && m.sum == "" {
			return nil, fmt.Errorf("%s: module %s has no checksum: it was built from a folder", file, m.path)
		}
		b.modules = append(b.modules, m)
	}
	return b, nil
}

func isOwn(path string) bool {
	return path == ownPrefix || strings.HasPrefix(path, ownPrefix+"/")
}

// packages are the folders of the packages in a program, by module path, with
// the module's own folder first.
type packages map[string][]string

// listPackages asks the go command for the packages of the program in folder.
func listPackages(folder string) (packages, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=Dir,Standard,Module", ".")
	cmd.Dir = folder
	// What the release build is built with (see the Makefile).
	cmd.Env = append(cmd.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w: %s", folder, err, bytes.TrimSpace(stderr.Bytes()))
	}
	found := packages{}
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p struct {
			Dir      string
			Standard bool
			Module   *struct {
				Path, Dir string
				Replace   *struct{ Path, Dir string }
			}
		}
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return found, found.addStandardLibrary()
		case err != nil:
			return nil, err
		case p.Standard || p.Module == nil:
			continue
		}
		path, root := p.Module.Path, p.Module.Dir
		if r := p.Module.Replace; r != nil && !isOwn(path) {
			path = r.Path
		}
		if len(found[path]) == 0 {
			found[path] = []string{root}
		}
		if !slices.Contains(found[path], p.Dir) {
			found[path] = append(found[path], p.Dir)
		}
	}
}

func (p packages) addStandardLibrary() error {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	p[standardLibrary] = []string{strings.TrimSpace(string(root))}
	return err
}

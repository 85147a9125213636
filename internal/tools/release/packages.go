// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // registers itself
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

const (
	maintainer  = "The otelcol-feedback Authors <maintainers@otelcol-feedback.invalid>"
	homepage    = "https://github.com/otelcol-feedback/otelcol-feedback"
	description = `OpenTelemetry Collector for LLM feedback: events in, Kafka records out
Takes ratings, costs, quality scores and experiment results over HTTP, gRPC,
OTLP or from files, validates each event, takes personal data out of its text
and publishes one record per event to Apache Kafka.`

	documents = "/usr/share/doc/" + product
	// configFile is a file of the administrator: kept when it was changed.
	configFile = files.TypeConfigNoReplace
)

// pack writes a package for a Linux.
func (r *release) pack(p platform, format string) error {
	scratch, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	info, err := r.info(p, format, scratch)
	if err != nil {
		return err
	}
	info = nfpm.WithDefaults(info)
	if err = nfpm.PrepareForPackager(info, format); err != nil {
		return err
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(r.out, packager.ConventionalFileName(info)), func(w io.Writer) error {
		return packager.Package(info, w)
	})
}

func (r *release) info(p platform, format, scratch string) (*nfpm.Info, error) {
	scripts := filepath.Join(r.root, "distribution", "packages", format)
	contents, err := r.contents(p, format, scratch)
	if err != nil {
		return nil, err
	}
	info := &nfpm.Info{
		Name: product, Arch: p.arch, Platform: p.os, Version: r.version, Release: "1",
		Section: "net", Priority: "optional", Maintainer: maintainer, Vendor: "The otelcol-feedback Authors",
		Description: description, Homepage: homepage, License: "Apache-2.0", MTime: r.time,
		DisableGlobbing: true,
		Overridables:    nfpm.Overridables{Contents: contents},
	}
	if format == "rpm" {
		info.Scripts = nfpm.Scripts{
			PreInstall: filepath.Join(scripts, "pre"), PostInstall: filepath.Join(scripts, "post"),
			PreRemove: filepath.Join(scripts, "preun"), PostRemove: filepath.Join(scripts, "postun"),
		}
		summary, _, _ := strings.Cut(description, "\n")
		info.RPM = nfpm.RPM{BuildHost: product, Summary: summary, Packager: maintainer}
		info.Depends = []string{"shadow-utils"}
		return info, nil
	}
	info.Scripts = nfpm.Scripts{
		PreInstall: filepath.Join(scripts, "preinst"), PostInstall: filepath.Join(scripts, "postinst"),
		PreRemove: filepath.Join(scripts, "prerm"), PostRemove: filepath.Join(scripts, "postrm"),
	}
	// The user is made before the files are unpacked.
	info.Deb.Predepends = []string{"passwd"}
	info.Recommends = []string{"ca-certificates"}
	return info, nil
}

// contents are the files of a package. What must be made for it is put into scratch.
func (r *release) contents(p platform, format, scratch string) (files.Contents, error) {
	b := &builder{scratch: scratch, time: r.time}
	stage, from := filepath.Join(r.stage, p.String()), filepath.Join(r.root, "distribution", "packages")

	b.add(filepath.Join(stage, product), "/usr/bin/"+product, 0o755)
	b.add(filepath.Join(stage, "feedbackctl"), "/usr/bin/feedbackctl", 0o755)
	b.add(filepath.Join(from, product+".service"), "/usr/lib/systemd/system/"+product+".service", 0o644)
	configurations, err := r.configurations("/etc/" + product)
	if err != nil {
		return nil, err
	}
	for _, e := range configurations {
		b.add(e.source, e.name, 0o644).Type = configFile
	}
	environment := b.add(filepath.Join(from, "environment"), "/etc/"+product+"/environment", 0o640)
	environment.Type, environment.FileInfo.Group = configFile, product

	share := filepath.Join(r.stage, "share")
	zsh := map[string]string{"deb": "vendor-completions", "rpm": "site-functions"}[format]
	b.add(filepath.Join(share, "completions", "feedbackctl.bash"), "/usr/share/bash-completion/completions/feedbackctl", 0o644)
	b.add(filepath.Join(share, "completions", "_feedbackctl"), "/usr/share/zsh/"+zsh+"/_feedbackctl", 0o644)
	b.add(filepath.Join(share, "completions", "feedbackctl.fish"), "/usr/share/fish/vendor_completions.d/feedbackctl.fish", 0o644)
	pages, err := below(filepath.Join(share, "man"), "/usr/share/man")
	if err != nil {
		return nil, err
	}
	for _, e := range pages {
		section := strings.TrimPrefix(filepath.Ext(e.name), ".")
		b.compress(e.source, "/usr/share/man/man"+section+"/"+filepath.Base(e.name)+".gz")
	}

	b.compress(filepath.Join(stage, "THIRD_PARTY_LICENSES"), documents+"/THIRD_PARTY_LICENSES.gz")
	b.add(filepath.Join(r.root, "LICENSE"), licence(format), 0o644)
	sboms, err := below(filepath.Join(stage, "sbom"), documents+"/sbom")
	if err != nil {
		return nil, err
	}
	for _, e := range sboms {
		b.add(e.source, e.name, 0o644)
	}
	if format == "deb" {
		b.add(filepath.Join(from, "copyright"), documents+"/copyright", 0o644)
		b.text(r.debianChangelog(), documents+"/changelog.Debian.gz")
	}
	b.compress(filepath.Join(r.root, "CHANGELOG.md"), documents+"/changelog.gz")
	return b.contents, errors.Join(b.faults...)
}

func licence(format string) string {
	if format == "rpm" {
		return "/usr/share/licenses/" + product + "/LICENSE"
	}
	return documents + "/LICENSE"
}

// debianChangelog is what Debian's tools ask for; CHANGELOG.md has the changes.
func (r *release) debianChangelog() string {
	return fmt.Sprintf("%s (%s-1) stable; urgency=medium\n\n  * See changelog.gz.\n\n -- %s  %s\n",
		product, strings.ReplaceAll(r.version, "-", "~"), maintainer, r.time.Format(time.RFC1123Z))
}

// builder gathers the contents of a package.
type builder struct {
	scratch  string
	time     time.Time
	contents files.Contents
	faults   []error
}

func (b *builder) add(source, destination string, mode os.FileMode) *files.Content {
	c := &files.Content{
		Source: source, Destination: destination,
		FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: mode, MTime: b.time},
	}
	if _, err := os.Stat(source); err != nil {
		b.faults = append(b.faults, err)
	}
	b.contents = append(b.contents, c)
	return c
}

func (b *builder) compress(source, destination string) {
	text, err := os.ReadFile(source)
	b.faults = append(b.faults, err)
	b.text(string(text), destination)
}

// text adds a compressed file.
func (b *builder) text(text, destination string) {
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	b.faults = append(b.faults, err)
	_, err = io.WriteString(w, text)
	b.faults = append(b.faults, err, w.Close())
	file := filepath.Join(b.scratch, strings.ReplaceAll(destination, "/", "_"))
	b.faults = append(b.faults, os.WriteFile(file, buf.Bytes(), 0o600))
	b.add(file, destination, 0o644)
}

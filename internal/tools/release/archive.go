// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// checksumFile is in the form that sha256sum -c reads.
const checksumFile = "SHA256SUMS"

// archive writes NAME_VERSION_OS_ARCH.tar.gz, or .zip for Windows, with one
// folder of that name in it.
func (r *release) archive(p platform) error {
	name := fmt.Sprintf("%s_%s_%s_%s", product, r.version, p.os, p.arch)
	entries, err := r.archived(p)
	if err != nil {
		return err
	}
	for i := range entries {
		entries[i].name = name + "/" + entries[i].name
	}
	if p.os == "windows" {
		return writeFile(filepath.Join(r.out, name+".zip"), func(w io.Writer) error { return r.zip(w, entries) })
	}
	return writeFile(filepath.Join(r.out, name+".tar.gz"), func(w io.Writer) error { return r.tar(w, entries) })
}

// archived lists what an archive holds, by name.
func (r *release) archived(p platform) ([]entry, error) {
	stage := filepath.Join(r.stage, p.String())
	entries := []entry{
		{filepath.Join(stage, p.binary(product)), p.binary(product)},
		{filepath.Join(stage, p.binary("feedbackctl")), p.binary("feedbackctl")},
		{filepath.Join(stage, "THIRD_PARTY_LICENSES"), "THIRD_PARTY_LICENSES"},
	}
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		entries = append(entries, entry{filepath.Join(r.root, name), name})
	}
	folders := map[string]string{
		filepath.Join(r.root, "config"):                "config",
		filepath.Join(stage, "sbom"):                   "sbom",
		filepath.Join(r.stage, "share", "completions"): "completions",
	}
	if p.os != "windows" {
		folders[filepath.Join(r.stage, "share", "man")] = "man"
	}
	for folder, name := range folders {
		files, err := below(folder, name)
		if err != nil {
			return nil, err
		}
		entries = append(entries, slices.DeleteFunc(files, func(e entry) bool { return strings.HasSuffix(e.source, ".go") })...)
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return entries, nil
}

// mode is the mode of a file in an archive: only programs may be run.
func mode(e entry) os.FileMode {
	base := strings.TrimSuffix(filepath.Base(e.name), ".exe")
	if base == product && strings.Count(e.name, "/") == 1 || base == "feedbackctl" && strings.Count(e.name, "/") == 1 {
		return 0o755
	}
	return 0o644
}

func (r *release) tar(w io.Writer, entries []entry) (err error) {
	compressed, err := gzip.NewWriterLevel(w, gzip.DefaultCompression)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, compressed.Close()) }()
	archive := tar.NewWriter(compressed)
	defer func() { err = errors.Join(err, archive.Close()) }()
	for _, e := range entries {
		info, err := os.Stat(e.source)
		if err != nil {
			return err
		}
		if err = archive.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg, Name: e.name, Size: info.Size(), Mode: int64(mode(e)), ModTime: r.time,
			Uname: "root", Gname: "root", Format: tar.FormatUSTAR,
		}); err != nil {
			return err
		}
		if err = copyFile(archive, e.source); err != nil {
			return err
		}
	}
	return nil
}

func (r *release) zip(w io.Writer, entries []entry) (err error) {
	archive := zip.NewWriter(w)
	defer func() { err = errors.Join(err, archive.Close()) }()
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: r.time}
		header.SetMode(mode(e))
		file, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if err = copyFile(file, e.source); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(w io.Writer, source string) (err error) {
	f, err := os.Open(source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(w, f)
	return err
}

// writeFile writes all of a file, or none.
func writeFile(name string, write func(io.Writer) error) (err error) {
	f, err := os.Create(name + ".part")
	if err != nil {
		return err
	}
	err = errors.Join(write(f), f.Close())
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), name)
}

// writeChecksums writes those of all files in the folder.
func writeChecksums(folder string) error {
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, f := range files {
		if f.IsDir() || f.Name() == checksumFile {
			continue
		}
		sum := sha256.New()
		if err := copyFile(sum, filepath.Join(folder, f.Name())); err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sum.Sum(nil), f.Name())
	}
	return writeFile(filepath.Join(folder, checksumFile), func(w io.Writer) error {
		_, err := sums.WriteTo(w)
		return err
	})
}

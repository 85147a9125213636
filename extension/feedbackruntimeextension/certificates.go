// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"slices"
	"time"
)

// maxCertificateFile bounds what is read of a file that should be a certificate.
const maxCertificateFile = 1 << 20

// certificateFiles lists the cert_file of every receiver in use.
func (c wholeConfig) certificateFiles() []string {
	var files []string
	pipelines := section(c.at("service", "pipelines"))
	for _, name := range sortedKeys(pipelines) {
		for _, id := range texts(section(pipelines[name])["receivers"]) {
			files = append(files, certFiles(c.at("receivers", id))...)
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

func certFiles(node any) (files []string) {
	fields := section(node)
	for _, name := range sortedKeys(fields) {
		if name == "cert_file" {
			if file := text(fields[name]); file != "" {
				files = append(files, file)
			}
			continue
		}
		files = append(files, certFiles(fields[name])...)
	}
	return files
}

// firstExpiry is when the first of the certificates ends. They are read anew each
// time: who renews them replaces the files.
func firstExpiry(files []string) (first time.Time, ok bool) {
	for _, file := range files {
		at, readable := expiryOf(file)
		if readable && (!ok || at.Before(first)) {
			first, ok = at, true
		}
	}
	return first, ok
}

// expiryOf is when the certificate ends that a file begins with.
func expiryOf(file string) (time.Time, bool) {
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() || info.Size() > maxCertificateFile {
		return time.Time{}, false
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return time.Time{}, false
	}
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return time.Time{}, false
		}
		return cert.NotAfter, true
	}
	return time.Time{}, false
}

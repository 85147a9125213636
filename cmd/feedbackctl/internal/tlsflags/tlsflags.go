// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package tlsflags is the TLS part of a command's flags.
package tlsflags

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"
)

// Flags say whom to trust, and who one is.
type Flags struct {
	ca, cert, key string
}

// Register adds the flags to fs. The note is added to the help of --tls-ca.
func (f *Flags) Register(fs *pflag.FlagSet, defaultCA, note string) {
	fs.StringVar(&f.ca, "tls-ca", defaultCA, "PEM file of the certificate authorities to trust instead of the system's"+note)
	fs.StringVar(&f.cert, "tls-cert", "", "PEM file of a client certificate")
	fs.StringVar(&f.key, "tls-key", "", "PEM file of its private key")
}

// Set reports whether any of the flags is set.
func (f *Flags) Set() bool { return f.ca != "" || f.cert != "" || f.key != "" }

// Config reads the files.
func (f *Flags) Config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, fmt.Errorf("--tls-ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--tls-ca: no certificate in %s", f.ca)
		}
	}
	if (f.cert == "") != (f.key == "") {
		return nil, errors.New("--tls-cert and --tls-key go together")
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package certs makes certificate authorities and certificates for tests, in
// PEM files.
package certs // import "github.com/otelcol-feedback/otelcol-feedback/testbed/internal/certs"

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// Authority issues certificates. It is safe for concurrent use.
type Authority struct {
	// File is its certificate.
	File string

	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	serial atomic.Int64
}

// Pair is a certificate with its key: two files, and Both in one.
type Pair struct {
	Cert, Key, Both string
	// Serial is the certificate's number.
	Serial int64
}

// NewAuthority makes an authority; its certificate is written to file.
func NewAuthority(file string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: "testbed " + filepath.Base(file)},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	a := &Authority{File: file, cert: cert, key: key}
	a.serial.Store(1)
	return a, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}

// Issue makes a certificate for loopback, good for servers and clients, below
// dir. It lasts a day.
func (a *Authority) Issue(dir, name string) (*Pair, error) {
	return a.IssueFor(dir, name, 24*time.Hour)
}

// IssueFor is Issue with another lifetime.
func (a *Authority) IssueFor(dir, name string, lifetime time.Duration) (*Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	p := &Pair{
		Cert: filepath.Join(dir, name+".pem"), Key: filepath.Join(dir, name+".key"), Both: filepath.Join(dir, name+".both.pem"),
		Serial: a.serial.Add(1),
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(p.Serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(lifetime),
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	return p, errors.Join(
		os.WriteFile(p.Cert, certPEM, 0o600),
		os.WriteFile(p.Key, keyPEM, 0o600),
		os.WriteFile(p.Both, append(keyPEM, certPEM...), 0o600))
}

// Pool trusts the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Client is the TLS configuration of a client that trusts the authority; a pair
// is what it shows of itself.
func (a *Authority) Client(pair *Pair) (*tls.Config, error) {
	c := &tls.Config{RootCAs: a.Pool(), MinVersion: tls.VersionTLS12}
	if pair == nil {
		return c, nil
	}
	cert, err := tls.LoadX509KeyPair(pair.Cert, pair.Key)
	c.Certificates = []tls.Certificate{cert}
	return c, err
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package token // import "github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// ReadSecret reads an HMAC secret: the bytes as they are, but for a line end
// behind the last.
func ReadSecret(data []byte) ([]Key, error) {
	key, err := NewKey("", Secret(data), "")
	if err != nil {
		return nil, err
	}
	return []Key{key}, nil
}

// Secret is data without the line end that editors leave.
func Secret(data []byte) []byte { return bytes.TrimRight(data, "\r\n") }

// ReadPEM reads public keys and certificates; several, while keys are changed.
func ReadPEM(data []byte) ([]Key, error) {
	var keys []Key
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		public, err := publicKey(block)
		if err != nil {
			return nil, err
		}
		key, err := NewKey("", public, "")
		if err != nil {
			return nil, err
		}
		if keys = append(keys, key); len(keys) > maxTried {
			return nil, fmt.Errorf("more than %d keys", maxTried)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("no PEM block of a public key")
	}
	return keys, nil
}

func publicKey(block *pem.Block) (any, error) {
	switch {
	case block.Type == "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case block.Type == "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case block.Type == "CERTIFICATE":
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return cert.PublicKey, nil
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return nil, errors.New("it holds a private key: only the public one belongs here")
	}
	return nil, errors.New("it holds a PEM block that is no public key")
}

// JWKS says how a JSON Web Key Set is read.
type JWKS struct {
	// MaxKeys bounds the set.
	MaxKeys int
	// Secrets lets symmetric keys in; they belong in no set that is published.
	Secrets bool
}

// Read returns the keys that verify signatures. Keys of other use or of a type
// that is not understood are left out (RFC 7517, section 5); skipped says why,
// by position.
func (j JWKS) Read(data []byte) (keys []Key, skipped []error, err error) {
	var set struct {
		Keys *[]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil || set.Keys == nil {
		// The text of the error may be about what the document holds.
		return nil, nil, errors.New("no JSON Web Key Set")
	}
	if n := len(*set.Keys); n > j.MaxKeys {
		return nil, nil, fmt.Errorf("%d keys, more than the %d allowed", n, j.MaxKeys)
	}
	for i, raw := range *set.Keys {
		key, use, err := j.key(raw)
		switch {
		case err != nil:
			skipped = append(skipped, fmt.Errorf("keys[%d]: %w", i, err))
		case use:
			keys = append(keys, key)
		}
	}
	return keys, skipped, nil
}

// key reads one key; use is false for keys that are there for encryption.
func (j JWKS) key(raw json.RawMessage) (key Key, use bool, err error) {
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(raw); err != nil {
		return Key{}, false, errors.New("a type or form that is not understood")
	}
	if jwk.Use != "" && jwk.Use != "sig" {
		return Key{}, false, nil
	}
	_, secret := jwk.Key.([]byte)
	switch {
	case secret && !j.Secrets:
		return Key{}, false, errors.New("a secret: it must not be published")
	case !secret && !jwk.IsPublic():
		return Key{}, false, errors.New("a private key: it must not be given away, make another")
	case !secret && !jwk.Valid():
		return Key{}, false, errors.New("not valid")
	}
	key, err = NewKey(jwk.KeyID, jwk.Key, jwk.Algorithm)
	return key, err == nil, err
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package token // import "github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Signer makes tokens.
type Signer struct {
	algorithm jose.SignatureAlgorithm
	key       any // the private half
	verifies  Key
}

// NewSecretSigner signs with a secret. An empty algorithm takes the strongest
// that the secret is long enough for.
func NewSecretSigner(secret []byte, algorithm string) (*Signer, error) {
	key, err := NewKey("", secret, algorithm)
	if err != nil {
		return nil, err
	}
	return &Signer{algorithm: key.algorithms[len(key.algorithms)-1], key: secret, verifies: key}, nil
}

// NewPEMSigner signs with the first private key of a PEM file. An empty
// algorithm takes the usual one of the key's type: RS256, ES256, ES384, ES512 or
// EdDSA.
func NewPEMSigner(data []byte, algorithm string) (*Signer, error) {
	private, err := privateKey(data)
	if err != nil {
		return nil, err
	}
	public := private.Public()
	key, err := NewKey("", public, algorithm)
	if err != nil {
		return nil, err
	}
	return &Signer{algorithm: key.algorithms[0], key: private, verifies: key}, nil
}

func privateKey(data []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return nil, errors.New("the private key is encrypted: decrypt it first")
		default:
			continue // such as EC PARAMETERS
		}
		if err != nil {
			return nil, errors.New("the private key cannot be read")
		}
		switch k := key.(type) {
		case *rsa.PrivateKey:
			return k, nil
		case *ecdsa.PrivateKey:
			return k, nil
		case ed25519.PrivateKey:
			return k, nil
		}
		return nil, errors.New("the private key is neither RSA nor elliptic nor Ed25519")
	}
	return nil, errors.New("no PEM block of a private key")
}

// Algorithm is what the signer signs with.
func (s *Signer) Algorithm() string { return string(s.algorithm) }

// Keys is the set that verifies what the signer made.
func (s *Signer) Keys() *Keys { return NewKeys([]Key{s.verifies}, nil) }

// Mint returns a signed token. An empty keyID leaves the header out.
func (s *Signer) Mint(claims *Claims, keyID string) (string, error) {
	options := (&jose.SignerOptions{}).WithType("JWT")
	if keyID != "" {
		options = options.WithHeader("kid", keyID)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: s.algorithm, Key: s.key}, options)
	if err != nil {
		return "", fmt.Errorf("cannot sign: %w", err)
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

// MarshalJSON implements json.Marshaler: one string with spaces between, as
// RFC 9068 writes scope.
func (s Scopes) MarshalJSON() ([]byte, error) {
	size := 2
	for _, scope := range s {
		size += len(scope) + 1
		if slices.ContainsFunc([]byte(scope), func(c byte) bool { return c <= ' ' || c == '"' || c == '\\' || c > '~' }) {
			return nil, errors.New("a scope is made of printable ASCII without spaces, quotes and backslashes")
		}
	}
	out := append(make([]byte, 0, size), '"')
	for i, scope := range s {
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, scope...)
	}
	return append(out, '"'), nil
}

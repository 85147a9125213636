// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package token // import "github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

const (
	// minRSABits and maxRSABits bound RSA keys: below, they can be broken; above,
	// each token would cost more than an answer is worth.
	minRSABits = 2048
	maxRSABits = 4096
	// maxTried bounds the keys that one token is tried against.
	maxTried = 4
)

// Algorithms are the names of all signature algorithms, by kind of key.
var Algorithms = []string{
	"HS256", "HS384", "HS512",
	"RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
	"ES256", "ES384", "ES512", "EdDSA",
}

// all is Algorithms as the library wants them.
var all = func() (list []jose.SignatureAlgorithm) {
	for _, a := range Algorithms {
		list = append(list, jose.SignatureAlgorithm(a))
	}
	return list
}()

// Key verifies signatures of the algorithms that fit it, and no others: what a
// token says of its algorithm chooses among them, never beyond.
type Key struct {
	id         string // kid; empty: tokens of any kid are tried
	algorithms []jose.SignatureAlgorithm
	verifier   any // []byte, *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// NewKey pins a secret ([]byte) or public key to the algorithms that fit its
// type and size, or to one of those.
func NewKey(id string, key any, only string) (Key, error) {
	fit, err := fitting(key)
	if err != nil {
		return Key{}, err
	}
	if only != "" {
		if !slices.Contains(fit, jose.SignatureAlgorithm(only)) {
			return Key{}, fmt.Errorf("the algorithm it names does not fit it: of those that verify tokens, %v do", fit)
		}
		fit = []jose.SignatureAlgorithm{jose.SignatureAlgorithm(only)}
	}
	return Key{id: id, algorithms: fit, verifier: key}, nil
}

func fitting(key any) ([]jose.SignatureAlgorithm, error) {
	switch k := key.(type) {
	case []byte:
		// A secret is as long as the hash, or longer (RFC 7518, section 3.2).
		switch n := len(k); {
		case n >= 64:
			return []jose.SignatureAlgorithm{jose.HS256, jose.HS384, jose.HS512}, nil
		case n >= 48:
			return []jose.SignatureAlgorithm{jose.HS256, jose.HS384}, nil
		case n >= 32:
			return []jose.SignatureAlgorithm{jose.HS256}, nil
		}
		return nil, errors.New("a secret must have at least 32 bytes (HS384: 48, HS512: 64)")
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return nil, fmt.Errorf("an RSA key must have %d to %d bits", minRSABits, maxRSABits)
		}
		return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512}, nil
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return []jose.SignatureAlgorithm{jose.ES256}, nil
		case elliptic.P384():
			return []jose.SignatureAlgorithm{jose.ES384}, nil
		case elliptic.P521():
			return []jose.SignatureAlgorithm{jose.ES512}, nil
		}
		return nil, errors.New("an elliptic key must be of P-256, P-384 or P-521")
	case ed25519.PublicKey:
		return []jose.SignatureAlgorithm{jose.EdDSA}, nil
	}
	return nil, errors.New("it is no secret and no RSA, elliptic or Ed25519 key")
}

// Keys is an immutable set of keys.
type Keys struct {
	keys  []Key
	named bool // all keys have a kid
}

// NewKeys makes a set. Where algorithms are given, the keys verify those alone.
func NewKeys(keys []Key, algorithms []string) *Keys {
	set := &Keys{named: true}
	for _, k := range keys {
		if len(algorithms) > 0 {
			k.algorithms = slices.DeleteFunc(slices.Clone(k.algorithms), func(a jose.SignatureAlgorithm) bool {
				return !slices.Contains(algorithms, string(a))
			})
		}
		if len(k.algorithms) == 0 {
			continue
		}
		set.keys = append(set.keys, k)
		set.named = set.named && k.id != ""
	}
	return set
}

// Len is the number of keys.
func (s *Keys) Len() int {
	if s == nil {
		return 0
	}
	return len(s.keys)
}

// candidates appends the keys that may have signed a token of this header, at
// most maxTried, and reports whether any key goes by its kid.
func (s *Keys) candidates(dst []*Key, id, algorithm string) (_ []*Key, known bool) {
	for i := range s.keys {
		k := &s.keys[i]
		if id != "" && k.id != "" && id != k.id {
			continue
		}
		known = true
		if len(dst) < maxTried && slices.Contains(k.algorithms, jose.SignatureAlgorithm(algorithm)) {
			dst = append(dst, k)
		}
	}
	return dst, known
}

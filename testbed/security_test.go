// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/certs"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/kafka"
)

// What the shared Kafka node takes.
const (
	plainUser, plainPassword = "plain-user", "plain-marker-5d1f"
	tokenIssuer              = "https://issuer.test"
	tokenAudience            = "kafka"
)

// security is whom the shared Kafka node trusts.
type security struct {
	authority *certs.Authority
	// client is a certificate of the authority.
	client *certs.Pair
	// tokens signs the tokens that the node takes.
	tokens *rsa.PrivateKey
}

// newSecurity lays out the files below dir.
func newSecurity(dir string) (*security, *kafka.TLS, error) {
	authority, err := certs.NewAuthority(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, nil, err
	}
	s := &security{authority: authority}
	node, err := authority.Issue(dir, "kafka")
	if err != nil {
		return nil, nil, err
	}
	if s.client, err = authority.Issue(dir, "client"); err != nil {
		return nil, nil, err
	}
	if s.tokens, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return nil, nil, err
	}
	number := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	jwks, err := json.Marshal(map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "testbed",
		"n": number(s.tokens.N), "e": number(big.NewInt(int64(s.tokens.E))),
	}}})
	if err != nil {
		return nil, nil, err
	}
	file := filepath.Join(dir, "jwks.json")
	if err := os.WriteFile(file, jwks, 0o600); err != nil {
		return nil, nil, err
	}
	return s, &kafka.TLS{
		KeyFile: node.Both, CAFile: authority.File,
		PlainUsers: map[string]string{plainUser: plainPassword},
		JWKSFile:   file, Audience: tokenAudience, Issuer: tokenIssuer,
	}, nil
}

// token makes a token that the node takes for so long.
func (s *security) token(subject string, lifetime time.Duration) (string, error) {
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": tokenIssuer, "aud": tokenAudience, "sub": subject, "scope": "kafka",
		"iat": now.Unix(), "exp": now.Add(lifetime).Unix(),
	})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"RS256","typ":"JWT","kid":"testbed"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.tokens, crypto.SHA256, sum[:])
	return text + "." + encode(signature), err
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

const (
	envHMACSecretFile = "COLLECTOR_AUTH__HMAC_SECRET_FILE" //nolint:gosec // the name of a variable that names a file
	envPublicKeyFile  = "COLLECTOR_AUTH__PUBLIC_KEY_FILE"
	envJWKSFile       = "COLLECTOR_AUTH__JWKS_FILE"
	envIssuer         = "COLLECTOR_AUTH__ISSUER"
	envAudience       = "COLLECTOR_AUTH__AUDIENCE"

	defaultExpiry   = time.Hour
	presignedExpiry = 15 * time.Minute
)

var eventTypes = []string{
	feedback.TypeUserFeedback, feedback.TypePerformanceMetrics, feedback.TypeModelResponse,
	feedback.TypeSystemHealth, feedback.TypeExperimentResult,
}

func newTokenCommand(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make a token for a client, or show what one allows",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTokenMintCommand(s), newTokenShowCommand(s))
	return cmd
}

// mintFlags say what a token is to hold.
type mintFlags struct {
	secretFile, privateFile string
	algorithm, keyID        string
	issuer                  string
	audience                []string
	subject                 string
	scopes                  []string
	expires                 time.Duration
	requestID, sessionID    string
	types                   []string
	maxUses                 int
}

func newTokenMintCommand(s streams) *cobra.Command {
	var f mintFlags
	cmd := &cobra.Command{
		Use:   "mint",
		Short: "Make and sign a token",
		Long: `Make a token, sign it and print it, and nothing else.

With --subject it is an ordinary bearer token: the subject is the client's id, the
scopes say what it may send. With --request-id or --session-id it is a presigned
token, which a browser can be given: good for events of that request or session and
of those types alone, so many times, for a day at most. It may stand in the query
(?access_token=…), where a beacon can carry it.

The key's type chooses the algorithm: a secret file the strongest of HS256, HS384
and HS512 that it is long enough for (32, 48, 64 bytes), a private key in PEM RS256,
ES256, ES384, ES512 or EdDSA; --algorithm chooses among those that fit.`,
		Example: `  feedbackctl token mint --subject my-app --hmac-secret-file secret
  feedbackctl token mint --subject my-app --private-key-file key.pem --scope feedback:write:user_feedback --expires 720h
  feedbackctl token mint --request-id 0197f5c4-6f2a-7c31-b1a0-5d6c7e8f9a0b --max-uses 3 --hmac-secret-file secret`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, s) },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.secretFile, "hmac-secret-file", s.getenv(envHMACSecretFile), "file with the secret to sign with ($"+envHMACSecretFile+")")
	fs.StringVar(&f.privateFile, "private-key-file", "", "PEM file with the private key to sign with")
	fs.StringVar(&f.algorithm, "algorithm", "", "signature algorithm, if not the usual one of the key")
	fs.StringVar(&f.keyID, "key-id", "", "kid of the header, for a collector that has several keys")
	fs.StringVar(&f.issuer, "issuer", s.getenv(envIssuer), "iss ($"+envIssuer+")")
	fs.StringSliceVar(&f.audience, "audience", splitList(s.getenv(envAudience)), "aud, comma-separated ($"+envAudience+")")
	fs.StringVar(&f.subject, "subject", "", "sub, the client's id; a presigned token needs none")
	fs.StringArrayVar(&f.scopes, "scope", []string{access.ScopeWrite}, "scope of an ordinary token; may be repeated")
	fs.DurationVar(&f.expires, "expires", defaultExpiry, "how long it is good; a presigned one is for 15m by default and 24h at most")
	fs.StringVar(&f.requestID, "request-id", "", "request that a presigned token is for")
	fs.StringVar(&f.sessionID, "session-id", "", "session that a presigned token is for")
	fs.StringSliceVar(&f.types, "type", []string{feedback.TypeUserFeedback}, "event type that a presigned token is for; may be repeated")
	fs.IntVar(&f.maxUses, "max-uses", 1, "number of events that a presigned token is good for, up to 10000")
	return cmd
}

func splitList(text string) (list []string) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

func (f *mintFlags) run(cmd *cobra.Command, s streams) error {
	claims, err := f.claims(cmd.Flags().Changed, time.Now())
	if err != nil {
		return err
	}
	signer, err := f.signer(cmd.Flags().Changed)
	if err != nil {
		return err
	}
	text, err := signer.Mint(claims, f.keyID)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, text)
	return err
}

func (f *mintFlags) signer(changed func(string) bool) (*token.Signer, error) {
	if f.privateFile != "" && !changed("hmac-secret-file") {
		f.secretFile = "" // of the environment
	}
	if (f.secretFile == "") == (f.privateFile == "") {
		return nil, usagef("name the key to sign with: --hmac-secret-file or --private-key-file")
	}
	name, file, newSigner := "--private-key-file", f.privateFile, token.NewPEMSigner
	if f.privateFile == "" {
		name, file = "--hmac-secret-file", f.secretFile
		newSigner = func(data []byte, algorithm string) (*token.Signer, error) {
			return token.NewSecretSigner(token.Secret(data), algorithm)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	signer, err := newSigner(data, f.algorithm)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", name, file, err)
	}
	return signer, nil
}

func (f *mintFlags) claims(changed func(string) bool, now time.Time) (*token.Claims, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	c := &token.Claims{Claims: jwt.Claims{
		ID: id.String(), Issuer: f.issuer, Subject: f.subject, Audience: f.audience, IssuedAt: jwt.NewNumericDate(now),
	}}
	presigned := f.requestID != "" || f.sessionID != ""
	if presigned {
		err = f.presign(c, changed)
	} else {
		err = f.ordinary(c, changed)
	}
	if err != nil {
		return nil, err
	}
	if f.expires < time.Second {
		return nil, usagef("--expires: must be at least 1s")
	}
	c.Expiry = jwt.NewNumericDate(now.Add(f.expires))
	return c, nil
}

func (f *mintFlags) ordinary(c *token.Claims, changed func(string) bool) error {
	for _, name := range []string{"type", "max-uses"} {
		if changed(name) {
			return usagef("--%s is for presigned tokens: name --request-id or --session-id", name)
		}
	}
	if f.subject == "" {
		return usagef("name the client with --subject, or what a presigned token is for with --request-id or --session-id")
	}
	c.Scope = f.scopes
	return nil
}

func (f *mintFlags) presign(c *token.Claims, changed func(string) bool) error {
	if changed("scope") {
		return usagef("--scope: a presigned token has none, it allows what it names")
	}
	for _, t := range f.types {
		if !slices.Contains(eventTypes, t) {
			return usagef("--type %q: use %s", t, strings.Join(eventTypes, ", "))
		}
	}
	if !changed("expires") {
		f.expires = presignedExpiry
	}
	if f.expires > token.MaxPresigned {
		return usagef("--expires: a presigned token is good for 24h at most")
	}
	c.Feedback = &token.Feedback{RequestID: f.requestID, SessionID: f.sessionID, Types: f.types, MaxUses: f.maxUses}
	if err := c.Feedback.Check(); err != nil {
		return usageError{errors.New("presigned token: " + err.Error())}
	}
	return nil
}

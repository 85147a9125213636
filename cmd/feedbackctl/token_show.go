// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/console"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"
)

const (
	// maxTokenInput bounds what is read of a token.
	maxTokenInput = 64 << 10
	maxJWKSKeys   = 1000
)

// showFlags say by what a token is verified.
type showFlags struct {
	secretFile, publicFile, jwksFile string
	issuer                           string
	audience                         []string
}

func newTokenShowCommand(s streams) *cobra.Command {
	var f showFlags
	cmd := &cobra.Command{
		Use:   "show [TOKEN]",
		Short: "Show what is in a token and what it allows",
		Long: `Show header and claims of a token, until when it is good and what it allows. The
token is an argument or, better, read from standard input: arguments can be seen by
other users of the machine and stay in the shell's history.

With a key it is verified as a collector would, but for a leeway on clocks. Which
uses of a presigned token are left, only its collector knows.

The exit code is 1 if the token is expired, not valid yet, or does not verify.`,
		Example: `  feedbackctl token show < token
  feedbackctl token mint --subject my-app --hmac-secret-file secret | feedbackctl token show --hmac-secret-file secret`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("%s takes one token", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(s, args, cmd.Flags().Changed) },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.secretFile, "hmac-secret-file", s.getenv(envHMACSecretFile), "file with the secret that verifies it ($"+envHMACSecretFile+")")
	fs.StringVar(&f.publicFile, "public-key-file", s.getenv(envPublicKeyFile), "PEM file with the public key that verifies it ($"+envPublicKeyFile+")")
	fs.StringVar(&f.jwksFile, "jwks-file", s.getenv(envJWKSFile), "JSON Web Key Set that verifies it ($"+envJWKSFile+")")
	fs.StringVar(&f.issuer, "issuer", s.getenv(envIssuer), "what iss must be ($"+envIssuer+")")
	fs.StringSliceVar(&f.audience, "audience", splitList(s.getenv(envAudience)), "what aud must name one of, comma-separated ($"+envAudience+")")
	return cmd
}

func (f *showFlags) run(s streams, args []string, changed func(string) bool) error {
	keys, err := f.keys(changed)
	if err != nil {
		return err
	}
	var text string
	if len(args) == 1 {
		text = args[0]
	} else {
		data, err := io.ReadAll(io.LimitReader(s.in, maxTokenInput))
		if err != nil {
			return err
		}
		text = string(data)
	}
	text = strings.TrimSpace(text)
	if scheme, rest, ok := strings.Cut(text, " "); ok && strings.EqualFold(scheme, "Bearer") {
		text = strings.TrimSpace(rest)
	}
	header, payload, claims, err := token.Inspect(text)
	if err != nil {
		return fmt.Errorf("this is no token: %w", err)
	}
	now := time.Now()
	verdict := f.verdict(text, keys, now)
	if err := writeToken(s, header, payload, claims, keys != nil, verdict, now); err != nil {
		return err
	}
	if verdict != nil {
		return errRejected
	}
	return nil
}

// keys returns nil if none are named. A flag counts more than the environment.
func (f *showFlags) keys(changed func(string) bool) (*token.Keys, error) {
	flags := changed("hmac-secret-file") || changed("public-key-file") || changed("jwks-file")
	name, file := "", ""
	for _, source := range [][2]string{
		{"hmac-secret-file", f.secretFile}, {"public-key-file", f.publicFile}, {"jwks-file", f.jwksFile},
	} {
		if source[1] == "" || flags && !changed(source[0]) {
			continue
		}
		if name != "" {
			return nil, usagef("%s and --%s: name one key", name, source[0])
		}
		name, file = "--"+source[0], source[1]
	}
	if name == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var keys []token.Key
	switch name {
	case "--hmac-secret-file":
		keys, err = token.ReadSecret(data)
	case "--public-key-file":
		keys, err = token.ReadPEM(data)
	default:
		keys, _, err = token.JWKS{MaxKeys: maxJWKSKeys, Secrets: true}.Read(data)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", name, file, err)
	}
	return token.NewKeys(keys, nil), nil
}

// verdict says what is wrong with the token, as far as that can be told.
func (f *showFlags) verdict(text string, keys *token.Keys, now time.Time) error {
	rules := token.Rules{Issuer: f.issuer, Audience: f.audience, MaxBytes: maxTokenInput}
	if keys == nil {
		return rules.Judge(text, now)
	}
	_, err := rules.Verify(text, keys, now)
	return err
}

func writeToken(s streams, header, payload []byte, claims *token.Claims, verified bool, verdict error, now time.Time) error {
	style := console.NewStyle(s.out, s.getenv)
	var b strings.Builder
	for _, part := range []struct {
		name string
		data []byte
	}{{"header", header}, {"claims", payload}} {
		fmt.Fprintln(&b, style.Dim(part.name))
		value := jsontext.Value(part.data)
		if value.Indent(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), jsontext.WithIndent("  ")) != nil {
			return errors.New("this is no token: its claims are no JSON")
		}
		for line := range strings.Lines(string(value)) {
			b.WriteString(console.Clean(strings.TrimSuffix(line, "\n")) + "\n")
		}
	}
	line := func(name, value string) {
		fmt.Fprintf(&b, "%s %s\n", style.Dim(fmt.Sprintf("%-10s", name)), console.Clean(value))
	}
	line("kind", kindOf(claims))
	for _, allowed := range allows(claims) {
		line("allows", allowed)
	}
	line("expires", expiry(claims, now))
	switch {
	case verdict == nil && verified:
		line("verified", "yes")
	case verdict == nil:
		line("verified", "no: name a key to verify it with")
	default:
		fmt.Fprintf(&b, "%s %s\n", style.Dim(fmt.Sprintf("%-10s", "refused")), style.Bad(why(verdict)))
	}
	_, err := io.WriteString(s.out, b.String())
	return err
}

// why is more than a client is told: here it is the operator who asks.
func why(verdict error) string {
	if r, ok := errors.AsType[*access.Refusal](verdict); ok && r.Message == access.ErrSignature.Message {
		return map[*access.Refusal]string{
			access.ErrAlgorithm:  "the key is not for this algorithm",
			access.ErrUnknownKey: "no key of the set goes by its kid",
			access.ErrSignature:  "it was not signed with this key, or was changed",
			access.ErrMalformed:  "it is no token of a known kind",
		}[r]
	}
	return verdict.Error()
}

func kindOf(c *token.Claims) string {
	if c.Feedback != nil {
		return "presigned token"
	}
	if c.Subject == "" {
		return "bearer token"
	}
	return "bearer token of client " + c.Subject
}

// allows lists what the token is good for.
func allows(c *token.Claims) []string {
	if c.Feedback == nil {
		grant := c.Grant(nil, 0)
		if grant.Holds(access.ScopeWrite, "") {
			return []string{"events of all types"}
		}
		var list []string
		for _, t := range eventTypes {
			if grant.Allows(t) {
				list = append(list, t)
			}
		}
		if len(list) == 0 {
			return []string{"nothing: it has no scope " + access.ScopeWrite}
		}
		return list
	}
	what := "request " + c.Feedback.RequestID
	if c.Feedback.SessionID != "" {
		what = "session " + c.Feedback.SessionID
	}
	uses := "1 event"
	if c.Feedback.MaxUses != 1 {
		uses = fmt.Sprintf("%d events", c.Feedback.MaxUses)
	}
	return []string{fmt.Sprintf("%s of %s (%s)", uses, what, strings.Join(c.Feedback.Types, ", "))}
}

func expiry(c *token.Claims, now time.Time) string {
	if c.Expiry == nil {
		return "never"
	}
	at := c.Expiry.Time()
	text := at.UTC().Format(time.RFC3339)
	if left := at.Sub(now).Round(time.Second); left > 0 {
		return text + " (in " + left.String() + ")"
	}
	return text + " (" + now.Sub(at).Round(time.Second).String() + " ago)"
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"golang.org/x/oauth2"
)

// tokenSource is what an OAuth2 client extension offers.
type tokenSource interface {
	Token(ctx context.Context) (*oauth2.Token, error)
}

// bearer is SASL/OAUTHBEARER with tokens of a source.
type bearer struct {
	sasl.Mechanism
}

func newBearer(source tokenSource) bearer {
	return bearer{oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
		token, err := source.Token(ctx)
		if err != nil {
			return oauth.Auth{}, &noTokenError{reason: tokenFailure(err)}
		}
		return oauth.Auth{Token: token.AccessToken}, nil
	})}
}

// Authenticate implements sasl.Mechanism.
func (b bearer) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	session, first, err := b.Mechanism.Authenticate(ctx, host)
	return bearerSession{session}, first, err
}

type bearerSession struct{ sasl.Session }

// Challenge implements sasl.Session. A broker that takes no token says why as a
// challenge, and fails the exchange once it was answered (RFC 7628, section
// 3.2.3). The client library would end it here, and the error would not be one
// of Kafka's.
func (s bearerSession) Challenge(challenge []byte) (bool, []byte, error) {
	if len(challenge) > 0 {
		return false, []byte{1}, nil
	}
	return s.Session.Challenge(challenge)
}

// noTokenError says that there was nothing to show to a broker.
type noTokenError struct{ reason string }

func (e *noTokenError) Error() string { return "the token source gave no token" + e.reason }

// oauthCode is what OAuth defines as one (RFC 6749, section 5.2).
var oauthCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// tokenFailure is what may be said of a token source's error: it may hold what
// the token endpoint answered.
func tokenFailure(err error) string {
	var (
		answered *oauth2.RetrieveError
		lost     *url.Error
	)
	switch {
	case errors.As(err, &answered) && answered.Response != nil:
		text := fmt.Sprintf(": its endpoint answered %d", answered.Response.StatusCode)
		if oauthCode.MatchString(answered.ErrorCode) {
			text += ", " + answered.ErrorCode
		}
		return text
	case errors.As(err, &lost):
		return ": its endpoint cannot be reached: " + lost.Err.Error()
	default:
		return ""
	}
}

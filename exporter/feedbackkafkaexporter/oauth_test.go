// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

type tokenFunc func() (*oauth2.Token, error)

func (f tokenFunc) Token(context.Context) (*oauth2.Token, error) { return f() }

func TestBearer(t *testing.T) {
	token := &oauth2.Token{AccessToken: "a.b.c"}
	mechanism := newBearer(tokenFunc(func() (*oauth2.Token, error) { return token, nil }))
	assert.Equal(t, "OAUTHBEARER", mechanism.Name())
	session, first, err := mechanism.Authenticate(t.Context(), "broker")
	require.NoError(t, err)
	assert.Equal(t, "n,,\x01auth=Bearer a.b.c\x01\x01", string(first))

	// The broker's reason is answered, so that its error can follow.
	done, answer, err := session.Challenge([]byte(`{"status":"invalid_token"}`))
	require.NoError(t, err)
	assert.False(t, done)
	assert.Equal(t, "\x01", string(answer))
	done, _, err = session.Challenge(nil)
	require.NoError(t, err)
	assert.True(t, done)
}

func TestTokenFailures(t *testing.T) {
	for want, cause := range map[string]error{
		"the token source gave no token": errors.New("marker"),
		"the token source gave no token: its endpoint answered 401, invalid_client": &oauth2.RetrieveError{
			Response: &http.Response{StatusCode: http.StatusUnauthorized}, Body: []byte("marker"), ErrorCode: "invalid_client", ErrorDescription: "marker",
		},
		"the token source gave no token: its endpoint answered 500": &oauth2.RetrieveError{
			Response: &http.Response{StatusCode: http.StatusInternalServerError}, Body: []byte("marker"), ErrorCode: "marker <b>",
		},
		"the token source gave no token: its endpoint cannot be reached: connection refused": &url.Error{
			Op: "Post", URL: "https://marker@issuer", Err: errors.New("connection refused"),
		},
	} {
		mechanism := newBearer(tokenFunc(func() (*oauth2.Token, error) { return nil, fmt.Errorf("extension: %w", cause) }))
		_, _, err := mechanism.Authenticate(t.Context(), "broker")
		require.EqualError(t, err, want)
	}
}

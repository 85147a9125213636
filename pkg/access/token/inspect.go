// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package token // import "github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/go-jose/go-jose/v4/json"
)

// Inspect returns what a token says, true or not: nothing of it is verified.
func Inspect(token string) (header, payload []byte, claims *Claims, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, nil, nil, errors.New("a token has three parts with dots between")
	}
	if header, err = base64.RawURLEncoding.DecodeString(parts[0]); err != nil {
		return nil, nil, nil, errors.New("its header is no base64url")
	}
	if payload, err = base64.RawURLEncoding.DecodeString(parts[1]); err != nil {
		return nil, nil, nil, errors.New("its claims are no base64url")
	}
	var object map[string]any
	if json.Unmarshal(header, &object) != nil {
		return nil, nil, nil, errors.New("its header is no JSON object")
	}
	claims = &Claims{}
	if json.Unmarshal(payload, claims) != nil {
		return nil, nil, nil, errors.New("its claims are no JSON object as a token has")
	}
	return header, payload, claims, nil
}

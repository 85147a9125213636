// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package access // import "github.com/otelcol-feedback/otelcol-feedback/pkg/access"

import (
	"context"

	"go.opentelemetry.io/collector/client"
)

// Names of the attributes that AuthData gives, for components that read
// "auth.<name>" from the context.
const (
	attrSubject = "subject"
	attrScopes  = "scopes"
	attrTokenID = "token_id"
)

// subjectAttributes are the names under which other authenticators of the
// collector give the subject, in order of preference: a JWT's claim, the same
// spelled out (oidc), and basicauth's.
var subjectAttributes = []string{"sub", attrSubject, "username"}

type authData struct{ grant *Grant }

// AuthData wraps a grant as an authenticator puts it into client.Info.
func AuthData(g *Grant) client.AuthData { return authData{g} }

// GetAttribute implements client.AuthData.
func (a authData) GetAttribute(name string) any {
	switch name {
	case attrSubject:
		return a.grant.Subject
	case attrScopes:
		return a.grant.Scopes
	case attrTokenID:
		return a.grant.TokenID
	}
	return nil
}

// GetAttributeNames implements client.AuthData.
func (authData) GetAttributeNames() []string {
	return []string{attrSubject, attrScopes, attrTokenID}
}

// FromContext returns what the request's credential allows; false if it was not
// authenticated. What an authenticator says that knows nothing of grants becomes
// one with a subject alone, see Grant.ScopesKnown.
func FromContext(ctx context.Context) (*Grant, bool) {
	auth := client.FromContext(ctx).Auth
	if auth == nil {
		return nil, false
	}
	if a, ok := auth.(authData); ok {
		return a.grant, true
	}
	for _, name := range subjectAttributes {
		if subject, ok := auth.GetAttribute(name).(string); ok && subject != "" {
			return &Grant{Subject: subject}, true
		}
	}
	return &Grant{}, true
}

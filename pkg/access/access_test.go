// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
)

func TestAllows(t *testing.T) {
	tests := map[string]struct {
		grant Grant
		want  []string // of user_feedback and system_health
	}{
		"no scope":            {Grant{ScopesKnown: true}, nil},
		"unknown scopes":      {Grant{Subject: "s"}, nil},
		"all":                 {Grant{Scopes: []string{"x", ScopeWrite}}, []string{"user_feedback", "system_health"}},
		"one type":            {Grant{Scopes: []string{"feedback:write:system_health"}}, []string{"system_health"}},
		"a longer name":       {Grant{Scopes: []string{"feedback:writer", "feedback:write_user_feedback", "feedback:write:"}}, nil},
		"case counts":         {Grant{Scopes: []string{"FEEDBACK:write"}}, nil},
		"presigned":           {Grant{Presigned: &Presigned{Types: []string{"user_feedback"}}}, []string{"user_feedback"}},
		"presigned and scope": {Grant{Scopes: []string{ScopeWrite}, Presigned: &Presigned{Types: []string{"user_feedback"}}}, []string{"user_feedback"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, eventType := range []string{"user_feedback", "system_health"} {
				if tt.grant.Allows(eventType) {
					got = append(got, eventType)
				}
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestNames(t *testing.T) {
	byRequest := &Presigned{RequestID: "aa-bb"}
	assert.True(t, byRequest.Names("AA-bb", "any"))
	assert.False(t, byRequest.Names("aa", "any"))
	assert.False(t, byRequest.Names("", ""))
	bySession := &Presigned{SessionID: "S1"}
	assert.True(t, bySession.Names("any", "S1"))
	assert.False(t, bySession.Names("any", "s1"))
	assert.False(t, (&Presigned{}).Names("", ""))
	assert.False(t, (&Presigned{}).Take(1), "what cannot be counted is not given")
	(&Presigned{}).Return(1)
}

type counter struct{ taken int }

func (c *counter) Take(_ string, _ time.Time, most, n int) bool {
	if c.taken+n > most {
		return false
	}
	c.taken += n
	return true
}

func (c *counter) Return(_ string, n int) { c.taken -= n }

func TestTake(t *testing.T) {
	c := &counter{}
	p := &Presigned{MaxUses: 2, Uses: c}
	assert.True(t, p.Take(2))
	assert.False(t, p.Take(1))
	p.Return(1)
	assert.True(t, p.Take(1))
}

type foreign map[string]any

func (f foreign) GetAttribute(name string) any { return f[name] }
func (foreign) GetAttributeNames() []string    { return nil }

func TestFromContext(t *testing.T) {
	_, ok := FromContext(t.Context())
	assert.False(t, ok)

	with := func(auth client.AuthData) context.Context {
		return client.NewContext(t.Context(), client.Info{Auth: auth})
	}
	grant := &Grant{Subject: "app", Scopes: []string{ScopeWrite}, TokenID: "t", ScopesKnown: true}
	got, ok := FromContext(with(AuthData(grant)))
	require.True(t, ok)
	assert.Same(t, grant, got)

	auth := AuthData(grant)
	values := map[string]any{}
	for _, name := range auth.GetAttributeNames() {
		values[name] = auth.GetAttribute(name)
	}
	assert.Equal(t, map[string]any{"subject": "app", "scopes": []string{ScopeWrite}, "token_id": "t"}, values)
	assert.Nil(t, auth.GetAttribute("other"))

	for name, tt := range map[string]struct {
		auth foreign
		want string
	}{
		"basicauth":  {foreign{"username": "u"}, "u"},
		"claim":      {foreign{"sub": "s", "subject": "t", "username": "u"}, "s"},
		"no subject": {foreign{"sub": 7, "subject": ""}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := FromContext(with(tt.auth))
			require.True(t, ok)
			assert.Equal(t, &Grant{Subject: tt.want}, got)
		})
	}
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import "slices"

// Entity is a kind of personal data.
type Entity uint8

// The entities. Their order is that of [Entities].
const (
	Email Entity = iota
	Phone
	Card
	SSN
	IBAN
	IP
	Secret

	// NumEntities is the number of entities.
	NumEntities = int(Secret) + 1
)

var entityNames = [NumEntities]string{"email", "phone", "card", "ssn", "iban", "ip", "secret"}

// tokenNames are the words that the tokens are made of.
var tokenNames = [NumEntities]string{"EMAIL", "PHONE", "CC", "SSN", "IBAN", "IP", "SECRET"}

const tokenEnd = "_REDACTED]"

// String is the entity's name in configuration and metrics.
func (e Entity) String() string { return entityNames[e] }

// Token is what replaces the entity by default.
func (e Entity) Token() string { return "[" + tokenNames[e] + tokenEnd }

// Entities returns the names of all entities.
func Entities() []string { return slices.Clone(entityNames[:]) }

// ParseEntity returns the entity of that name.
func ParseEntity(name string) (Entity, bool) {
	i := slices.Index(entityNames[:], name)
	return Entity(max(i, 0)), i >= 0
}

// Action is what happens to what was found.
type Action uint8

// The actions.
const (
	Redact Action = iota // replace by the entity's token
	Mask                 // replace all characters but the last four by '*'
	Hash                 // replace by a keyed hash: equal values stay equal
	Keep                 // leave it
)

var actionNames = []string{"redact", "mask", "hash", "keep"}

// String is the action's name in configuration.
func (a Action) String() string { return actionNames[a] }

// ParseAction returns the action of that name.
func ParseAction(name string) (Action, bool) {
	i := slices.Index(actionNames, name)
	return Action(max(i, 0)), i >= 0
}

// Counts says how many findings were replaced.
type Counts struct {
	// Entities counts by [Entity].
	Entities [NumEntities]int
	// Patterns counts by position in [Options.Patterns]; shorter if the last
	// ones found nothing.
	Patterns []int
}

// Total is the sum of all counts.
func (c *Counts) Total() int {
	n := 0
	for _, v := range c.Entities {
		n += v
	}
	for _, v := range c.Patterns {
		n += v
	}
	return n
}

// Add adds the counts of n.
func (c *Counts) Add(n *Counts) {
	for i, v := range n.Entities {
		c.Entities[i] += v
	}
	for i, v := range n.Patterns {
		c.addPattern(i, v)
	}
}

// Reset sets all counts to 0 and keeps the memory.
func (c *Counts) Reset() {
	c.Entities = [NumEntities]int{}
	clear(c.Patterns)
}

func (c *Counts) add(m match) {
	if c == nil {
		return
	}
	if m.pattern < 0 {
		c.Entities[m.entity]++
		return
	}
	c.addPattern(m.pattern, 1)
}

func (c *Counts) addPattern(i, n int) {
	for len(c.Patterns) <= i {
		c.Patterns = append(c.Patterns, 0)
	}
	c.Patterns[i] += n
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import "strconv"

// trail is where in an event the validator is: a step for each level. It is only
// written out when there is an error to report.
type trail []step

type step struct {
	name   string // of an object member
	index  int    // of an array element; of a member, its position in the object
	member bool
	known  bool // the name is of the schema
}

// release gives a trail back without the names on it.
func (t *trail) release() {
	clear((*t)[:cap(*t)])
	trails.Put(t)
}

// place is a position on the trail: how many of its steps lead there. 0 is the
// event itself.
type place int

// enter goes one step from a place. What was entered from there before is left.
func (c *check) enter(from place, s step) place {
	*c.trail = append((*c.trail)[:from], s)
	return from + 1
}

// known enters a field of the schema.
func (c *check) known(from place, name string) place {
	return c.enter(from, step{name: name, member: true, known: true})
}

// maxShownName bounds the names of a client that an error may show.
const maxShownName = 64

// field writes the way to a place out. A name that is not of the schema is shown
// only if it is plainly a name; else its ordinal stands for it, since it may be
// personal data.
func (c *check) field(at place) string {
	var b []byte
	for _, s := range (*c.trail)[:at] {
		switch {
		case !s.member:
			b = append(strconv.AppendInt(append(b, '['), int64(s.index), 10), ']')
			continue
		case !s.known && !c.showable(s.name):
			b = append(strconv.AppendInt(append(b, "[#"...), int64(s.index), 10), ']')
			continue
		case len(b) > 0:
			b = append(b, '.')
		}
		b = append(b, s.name...)
	}
	return string(b)
}

func (v *Validator) showable(name string) bool {
	if name == "" || len(name) > maxShownName {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return v.Personal == nil || !v.Personal(name)
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import "strconv"

// path is where in an event the validator is. It is a chain on the stack, so
// that a path is only written out when there is an error to report.
type path struct {
	parent *path
	name   string // of an object member
	index  int    // of an array element; of a member, its position in the object
	member bool
	known  bool // the name is of the schema
}

// maxShownName bounds the names of a client that an error may show.
const maxShownName = 64

// field writes the path out. A name that is not of the schema is shown only if
// it is plainly a name; else its ordinal stands for it, since it may be
// personal data.
func (v *Validator) field(p *path) string { return string(v.appendPath(nil, p)) }

// appendPath recurses, so that no path is ever kept and all stay on the stack.
func (v *Validator) appendPath(b []byte, p *path) []byte {
	if p == nil {
		return b
	}
	b = v.appendPath(b, p.parent)
	switch {
	case !p.member:
		return append(strconv.AppendInt(append(b, '['), int64(p.index), 10), ']')
	case !p.known && !v.showable(p.name):
		return append(strconv.AppendInt(append(b, "[#"...), int64(p.index), 10), ']')
	case len(b) > 0:
		b = append(b, '.')
	}
	return append(b, p.name...)
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

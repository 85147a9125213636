// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// context is what the words around a number tell of it.
type context struct {
	label   bool // a word that names a telephone number stands directly beside
	call    bool // likewise one like call; with nothing between, see bare
	message bool // likewise one like message, and a preposition or pronoun
	near    bool // such a word stands not far before
	initial bool // an initial as on letterheads: T:, M:
	bare    bool // nothing stands between it and the number
	card    bool
	ssn     bool
	id      bool // a word that names another kind of number stands before
	unit    bool // a unit follows: the number is a quantity
}

func (c *context) phone() bool { return c.label || c.call || c.message }

const (
	maxFill  = 4  // filler words between a word and the number
	maxWords = 9  // words looked at before a number
	maxReach = 96 // bytes looked at
)

// context reads the words before start and behind end.
func (s *scanner) context(start, end int) context {
	var c context
	c.initial = isInitial(s.text[max(s.floor, start-8):start])
	c.before(s.text, s.floor, start)
	c.after(s.text, end)
	if !c.phone() && s.lastPhone > 0 && s.lastPhone == s.floor && joinsNumbers(s.text[s.floor:start]) {
		c.label = true
	}
	return c
}

// joinsNumbers reports whether between stands in an enumeration of numbers.
func joinsNumbers(between string) bool {
	if len(between) > 10 {
		return false
	}
	switch strings.Trim(between, " \u00A0+(") {
	case "or", "and", ",", ", or", ", and", "/", ";", "&", "oder", "und", "ou", "et", "o", "y", "|":
		return true
	}
	return false
}

// reader yields the words before a position, last first.
type reader struct {
	text  string
	floor int
	i     int // start of the last word
	lines int // line ends crossed
	stops int // sentence ends crossed
	comma bool
	digit bool
}

// word returns the kind of the next word. ok is false at the end, at a digit
// and at an empty line.
func (r *reader) word() (w string, ok bool) {
	end := r.i
	for end > r.floor {
		c, n := utf8.DecodeLastRuneInString(r.text[r.floor:end])
		if unicode.In(c, unicode.L, unicode.M) {
			break
		}
		switch {
		case c == '\n':
			r.lines++
		case c == ',':
			r.comma = true
		case c == '.' || c == '!' || c == '?' || c == ';':
			r.stops++
		case digitOf(c) >= 0:
			r.digit = true
			return "", false
		}
		end -= n
	}
	start := end
	for start > r.floor {
		c, n := utf8.DecodeLastRuneInString(r.text[r.floor:start])
		if !unicode.In(c, unicode.L, unicode.M) {
			break
		}
		start -= n
	}
	r.i = start
	return r.text[start:end], start < end
}

func (c *context) before(text string, floor, start int) {
	r := reader{text: text, floor: max(floor, start-maxReach), i: start}
	beside, fills := true, 0
	var seen, prev wordKind // of the words between, and of the last one read
	for range maxWords {
		w, ok := r.word()
		if !ok && r.digit && fills == 0 && isCode(text[r.floor:start]) {
			c.id = true
		}
		if !ok || r.lines > 1 || r.stops > 1 {
			return
		}
		kind := kindOf(w)
		if kind&wToken != 0 {
			return
		}
		if r.stops > 0 && kind&(wCard|wLabel) == 0 && fills == 0 && beside {
			beside = kind&(wFill|wNumber|wOwn|wPrep) != 0
		}
		if beside {
			beside = c.weigh(kind, prev, seen, fills, r)
		}
		if kind&(wLabel|wCall) != 0 && r.lines == 0 && r.stops == 0 {
			c.near = true
		}
		if fills == 0 && c.bare && kind&wTech != 0 && prev&(wCall|wMessage) != 0 {
			c.call, c.message = false, false // an API call, not one on the telephone
		}
		seen |= kind
		prev = kind
		if kind&(wFill|wNumber|wOwn|wPrep) != 0 {
			fills++
		}
	}
}

// isInitial reports whether the number follows an initial as on letterheads: a
// line, or a part of one, that begins with "T: ".
func isInitial(before string) bool {
	w := strings.TrimRight(before, " \u00A0(")
	n := len(w) - 2
	if n < 0 || w[n+1] != ':' || strings.IndexByte("TMPFtmpf", w[n]) < 0 {
		return false
	}
	w = strings.TrimRight(w[:n], " ")
	return w == "" || strings.IndexByte("\n|,;/", w[len(w)-1]) >= 0
}

// isCode reports whether the last word before the number, one blank apart, is of
// capitals and digits: the number is the rest of a longer code.
func isCode(before string) bool {
	w := strings.TrimSuffix(before, " ")
	if len(w) != len(before)-1 {
		return false
	}
	letters := false
	for i := len(w) - 1; i >= 0; i-- {
		switch b := w[i]; {
		case b >= 'A' && b <= 'Z':
			letters = true
		case b == ' ':
			return letters
		case !isDigit(b):
			return false
		}
	}
	return letters
}

// weigh takes in a word that is directly beside the number, but for fillers.
// It reports whether the one before it is, too.
func (c *context) weigh(kind, prev, seen wordKind, fills int, r reader) bool {
	switch {
	case kind&wDesk != 0 && prev&wNumber != 0 && fills == 1 || kind&wDesk != 0 && prev&wMessage != 0 && prev&wID != 0:
		c.label, c.id = true, false // home number, support line
		return false
	case kind&wMessage != 0 && kind&wID != 0 && seen == 0: // line
		return true
	case kind&wSend != 0 && seen&wCode != 0 && seen&wPrep != 0:
		c.message = true
		return false
	case kind&wSSN != 0:
		c.ssn = true
		return false
	case kind&wSocial != 0 && (prev&wSecurity != 0 || seen&^(wFill|wIs|wNumber|wPrep) == 0):
		c.ssn = true
		return false
	case kind&wSecurity != 0:
		return true
	case kind&wCard != 0:
		c.card = true
		return false
	case kind&wLabel != 0 && seen&wID == 0:
		c.label = true
		return false
	case kind&wCall != 0:
		c.call, c.bare = true, fills == 0
		return false
	case kind&wMessage != 0 && seen&(wPrep|wOwn|wFill) != 0:
		c.message = true
		return false
	case kind&wCode != 0 && seen&wPrep != 0:
		return fills < maxFill // send the code to …
	case kind&wID != 0 && kind&(wFill|wMessage) == 0:
		c.id = !r.comma // the number on the invoice, 020 …
		return false
	case kind&wOwn != 0 && seen&wNumber != 0 && r.stops == 0:
		c.message = true // my number is …
		return true
	case kind&(wFill|wNumber|wOwn|wPrep) != 0:
		return fills < maxFill
	}
	return false
}

// after reads what follows the number: a unit, or "(mobile)", "is my card".
func (c *context) after(text string, end int) {
	text = text[end:min(len(text), end+48)]
	trimmed := strings.TrimLeft(text, " \u00A0")
	open := strings.HasPrefix(trimmed, "(") || strings.HasPrefix(trimmed, "[")
	own, first := false, wordKind(0)
	for i := range 4 {
		w, rest, clean := nextWord(text)
		if w == "" || !clean {
			return
		}
		kind := kindOf(w)
		switch {
		case kind&wToken != 0:
			return
		case i == 0 && kind&wUnit != 0 && !open:
			c.unit = true
			return
		case kind&wSSN != 0 || kind&wSocial != 0:
			c.ssn = c.ssn || i == 0 || own
			return
		case kind&wCard != 0:
			c.card = c.card || i == 0 || own
			return
		case kind&wLabel != 0:
			c.label = c.label || open || own || i >= 2 && first&wIs != 0
			return
		case kind&wOwn != 0:
			own = true
		case i == 0:
			first = kind
			if kind&(wFill|wNumber) == 0 {
				return
			}
		case kind&(wFill|wNumber) == 0:
			return
		}
		text = rest
	}
}

// nextWord returns the first word of text, and whether nothing but blanks and
// brackets stands before it.
func nextWord(text string) (w, rest string, clean bool) {
	clean = true
	for i, r := range text {
		if unicode.In(r, unicode.L, unicode.M) {
			end := i
			for end < len(text) {
				r, n := utf8.DecodeRuneInString(text[end:])
				if !unicode.In(r, unicode.L, unicode.M) && r != '\'' {
					break
				}
				end += n
			}
			return text[i:end], text[end:], clean
		}
		switch r {
		case ' ', '\u00A0', '(', '[', '-', '–', '—', '=', ',':
		default:
			clean = false
		}
	}
	return "", "", clean
}

// kindOf looks a word up without regard to case.
func kindOf(w string) wordKind {
	if len(w) > 32 {
		w = w[len(w)-32:]
	}
	var buf [64]byte
	low := buf[:0]
	ascii := true
	for _, r := range w {
		if r >= utf8.RuneSelf {
			ascii = false
			r = unicode.ToLower(r)
		} else if r >= 'A' && r <= 'Z' {
			r |= 0x20
		}
		low = utf8.AppendRune(low, r)
	}
	kind := words[string(low)]
	if kind == 0 && !ascii {
		for _, label := range cjkLabels {
			if strings.Contains(w, label) {
				return wLabel
			}
		}
		for _, label := range cjkCards {
			if strings.Contains(w, label) {
				return wCard
			}
		}
	}
	return kind
}

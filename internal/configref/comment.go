// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package configref

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Comment is what the comment of a field says.
type Comment struct {
	Meaning  string   // without the sentences below
	Unit     string   // of a number
	Bounds   string   // as written
	Min, Max Limit    // what Bounds says, where it names values
	OneOf    []string // the values that a string, an entry or a map's value may have
	Names    []string // the names that a map may have
	Default  string   // as written
	Required bool
	// Inner are comments on the keys of a foreign type, by their path in it.
	Inner map[string]Comment
}

// Limit is one end of a range; of a duration in nanoseconds.
type Limit struct {
	Set, Exclusive, Duration bool
	Value                    float64
}

var (
	sentence = regexp.MustCompile(`(?:^|\s)(Unit|Bounds|One of|Names|Default): (.+?)\.(?:\s+[A-Z]|$)`)
	required = regexp.MustCompile(`(?:^|\s)Required\.(?:\s|$)`)
	item     = regexp.MustCompile(`(?m)^\s*- ([a-z_:]+): `)
	space    = regexp.MustCompile(`\s+`)
)

// ParseComment reads the comment of a field of this project.
func ParseComment(text string) (Comment, error) {
	var inner map[string]Comment
	if at := item.FindAllStringSubmatchIndex(text, -1); at != nil {
		inner = map[string]Comment{}
		for i, m := range at {
			end := len(text)
			if i+1 < len(at) {
				end = at[i+1][0]
			}
			c, err := ParseComment(text[m[1]:end])
			if err != nil {
				return c, fmt.Errorf("%s: %w", text[m[2]:m[3]], err)
			}
			inner[text[m[2]:m[3]]] = c
		}
		text = text[:at[0][0]]
	}
	text = strings.TrimSpace(space.ReplaceAllString(text, " "))
	c := Comment{Inner: inner}
	for {
		m := sentence.FindStringSubmatchIndex(text)
		if m == nil {
			break
		}
		name, value := text[m[2]:m[3]], text[m[4]:m[5]]
		if err := c.set(name, value); err != nil {
			return c, err
		}
		text = strings.TrimSpace(text[:m[0]] + " " + strings.TrimSpace(text[m[5]+1:]))
	}
	if required.MatchString(text) {
		c.Required = true
		text = strings.TrimSpace(required.ReplaceAllString(text, " "))
	}
	c.Meaning = text
	return c, nil
}

func (c *Comment) set(name, value string) error {
	var field *string
	switch name {
	case "Unit":
		field = &c.Unit
	case "Default":
		field = &c.Default
	case "Bounds":
		field = &c.Bounds
	case "One of", "Names":
		list := &c.OneOf
		if name == "Names" {
			list = &c.Names
		}
		if *list != nil {
			return fmt.Errorf("%q twice", name)
		}
		*list = strings.Split(value, ", ")
		return nil
	}
	if *field != "" {
		return fmt.Errorf("%q twice", name)
	}
	*field = value
	if name == "Bounds" {
		return c.parseBounds()
	}
	return nil
}

func (c *Comment) parseBounds() error {
	if low, high, ok := strings.Cut(c.Bounds, " to "); ok {
		c.Min, c.Max = parseLimit(low), parseLimit(high)
		if !c.Min.Set || !c.Max.Set {
			return fmt.Errorf("not a range: %q", c.Bounds)
		}
		return nil
	}
	for part := range strings.SplitSeq(c.Bounds, ", ") {
		switch {
		case strings.HasPrefix(part, "at least "):
			c.Min = parseLimit(strings.TrimPrefix(part, "at least "))
		case strings.HasPrefix(part, "more than "):
			c.Min = parseLimit(strings.TrimPrefix(part, "more than "))
			c.Min.Exclusive = true
		case strings.HasPrefix(part, "at most "):
			c.Max = parseLimit(strings.TrimPrefix(part, "at most "))
		default:
			return fmt.Errorf("bounds not understood: %q", part)
		}
	}
	return nil
}

// parseLimit reads a number or a duration; a key of another setting is neither.
func parseLimit(text string) Limit {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return Limit{Set: true, Value: n}
	}
	if d, err := time.ParseDuration(text); err == nil {
		return Limit{Set: true, Duration: true, Value: float64(d)}
	}
	return Limit{}
}

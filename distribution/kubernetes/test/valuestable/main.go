// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Command valuestable writes the table of values into a chart's README.md, from
// the comments of its values.yaml that begin with "--".
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	begin = "<!-- values: written by make generate -->\n"
	end   = "<!-- end of values -->\n"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: valuestable CHART")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "ERROR:", err)
		os.Exit(1)
	}
}

func run(chart string) error {
	values, err := os.ReadFile(filepath.Join(chart, "values.yaml")) //nolint:gosec // the chart that is named
	if err != nil {
		return err
	}
	table, err := Table(values)
	if err != nil {
		return err
	}
	path := filepath.Join(chart, "README.md")
	page, err := os.ReadFile(path) //nolint:gosec // the same
	if err != nil {
		return err
	}
	head, rest, found := bytes.Cut(page, []byte(begin))
	_, tail, closed := bytes.Cut(rest, []byte(end))
	if !found || !closed {
		return fmt.Errorf("%s: no place for the table", path)
	}
	return os.WriteFile(path, []byte(string(head)+begin+table+end+string(tail)), 0o644) //nolint:gosec // a page for all
}

// Table is the table in Markdown. Every key needs a comment.
func Table(values []byte) (string, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(values, &doc); err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("| value | default | what it is |\n|---|---|---|\n")
	err := rows(&b, "", doc.Content[0])
	return b.String(), err
}

func rows(b *strings.Builder, prefix string, node *yaml.Node) error {
	var errs []error
	for i := 0; i < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		name := prefix + key.Value
		what, described := description(key.HeadComment)
		if !described {
			if value.Kind != yaml.MappingNode || len(value.Content) == 0 {
				errs = append(errs, fmt.Errorf("values.yaml: %s has no description", name))
				continue
			}
			errs = append(errs, rows(b, name+".", value))
			continue
		}
		otherwise, err := inline(value)
		errs = append(errs, err)
		fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", name, otherwise, what)
	}
	return errors.Join(errs...)
}

// description is the last line of a comment, if it begins with "--".
func description(comment string) (string, bool) {
	lines := strings.Split(comment, "\n")
	return strings.CutPrefix(lines[len(lines)-1], "# -- ")
}

// inline is a value as JSON, in which an empty string can be seen.
func inline(node *yaml.Node) (string, error) {
	var v any
	if err := node.Decode(&v); err != nil {
		return "", err
	}
	if s, ok := v.(string); ok && s != "" {
		return s, nil
	}
	text, err := json.Marshal(v)
	return string(text), err
}

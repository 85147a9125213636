// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// writeNotices writes what has to go along with the binaries: each text once,
// below the modules it comes from.
func writeNotices(w io.Writer, modules []licensed) error {
	out := bufio.NewWriter(w)
	fmt.Fprint(out, "Third-party software in otelcol-feedback and feedbackctl\n\n"+
		"Both are under the Apache License 2.0. They contain the modules below, each\n"+
		"under the licences that stand behind it; their texts and notices follow.\n"+
		"Their source code: go mod download MODULE@VERSION\n\n")
	type entry struct {
		from    []string
		content string
	}
	var order []*entry
	byContent := map[string]*entry{}
	for _, l := range modules {
		if l.module.own {
			continue
		}
		fmt.Fprintf(out, "%s  %s\n", l.module, l.expression())
		for _, t := range l.texts {
			content := strings.Trim(strings.ReplaceAll(t.content, "\r\n", "\n"), "\n")
			e := byContent[content]
			if e == nil {
				e = &entry{content: content}
				byContent[content] = e
				order = append(order, e)
			}
			e.from = append(e.from, l.module.String()+": "+t.name)
		}
	}
	for _, e := range order {
		fmt.Fprintf(out, "\n%s\n", strings.Repeat("=", 80))
		for _, from := range e.from {
			fmt.Fprintln(out, from)
		}
		fmt.Fprintf(out, "%s\n\n%s\n", strings.Repeat("-", 80), e.content)
	}
	return out.Flush()
}

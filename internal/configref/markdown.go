// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package configref

import (
	"bytes"
	"fmt"
	"strings"
)

const generated = "<!-- Written by \"make generate\" from the configuration's Go types: change the comments there. -->\n\n"

var singular = map[string]string{
	"receivers": "receiver", "processors": "processor", "exporters": "exporter", "extensions": "extension",
}

// Pages are the pages of docs/reference by their names.
func Pages(components []*Component) map[string][]byte {
	pages := map[string][]byte{"configuration.md": index(components)}
	for _, c := range components {
		pages[c.Type+".md"] = page(c)
	}
	return pages
}

func index(components []*Component) []byte {
	var b bytes.Buffer
	b.WriteString(generated + `# Configuration reference

Every key of this project's components, with its default, unit and bounds, as the code has them. Of keys that belong to the collector's own settings (TLS, servers, Kafka clients) the description is the collector's; its documentation is linked.

| section | component | keys |
|---|---|---|
`)
	for _, c := range components {
		own, all := 0, 0
		c.Root.Walk(func(k *Key) {
			all++
			if k.Own {
				own++
			}
		})
		fmt.Fprintf(&b, "| `%s` | [`%s`](%s.md) | %d, %d of them its own |\n", c.Section, c.Type, c.Type, all, own)
	}
	b.WriteString(`
## How to read it

` + "`a::b`" + ` is the key ` + "`b`" + ` below the key ` + "`a`" + `. Durations are written with their unit: ` + "`100ms`, `5s`, `1m30s`, `24h`" + `. Any value may be a reference such as ` + "`${env:NAME:-default}`" + `; which variables the shipped files read is in [Configuration](../configuration.md). A component can be there several times under names of its own, as ` + "`feedbackkafka/archive`" + `.

A key that is misspelt, of another type or out of its bounds keeps the collector from starting: ` + "`otelcol-feedback validate`" + ` says which.

## In an editor

A [JSON Schema](../../distribution/schema/otelcol-feedback.schema.json) of a whole configuration file completes and checks the keys of these components while they are typed. Editors with the YAML language server read it from the first line of a file, as those in [config/](../../config) have it:

` + "```yaml" + `
# yaml-language-server: $schema=../distribution/schema/otelcol-feedback.schema.json
` + "```" + `

What spans several keys (` + "`transactions`" + ` needs ` + "`spool::directory`" + `, say), and durations that are too short or too long, only ` + "`validate`" + ` sees.
`)
	return b.Bytes()
}

func page(c *Component) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s# %s %s: keys\n\n", generated, c.Type, singular[c.Section])
	fmt.Fprintf(&b, "What it does, with examples, is in its [README](../../%s/README.md); how to read this page, in [Configuration reference](configuration.md). The keys stand below `%s::%s`.\n", c.Folder, c.Section, c.Type)
	c.Root.section(&b)
	return b.Bytes()
}

// section writes an object's keys, then the objects in it.
func (k *Key) section(b *bytes.Buffer) {
	var rows, foreign, below []*Key
	for _, c := range k.Children {
		if c.inside() != nil {
			below = append(below, c)
		}
		if c.Own {
			rows = append(rows, c)
		} else {
			foreign = append(foreign, c)
		}
	}
	table(b, rows)
	if len(foreign) > 0 {
		if len(rows) > 0 {
			b.WriteString("\nAnd those of the collector:\n")
		}
		table(b, foreign)
	}
	for _, c := range below {
		inside := c.inside()
		if len(inside.Children) == 0 {
			continue
		}
		path := c.Path
		if c.Kind == List {
			path += "[]"
		}
		fmt.Fprintf(b, "\n## `%s`\n\n%s", path, c.intro())
		if !strings.HasPrefix(inside.Type.PkgPath(), module) {
			fmt.Fprintf(b, " The keys of [%s](https://pkg.go.dev/%s@%s#%s).", shortType(inside), inside.Type.PkgPath(), inside.Version, inside.Type.Name())
		}
		b.WriteString("\n")
		inside.section(b)
	}
}

// inside is the object whose keys need a table: the key's own, or its entries'.
func (k *Key) inside() *Key {
	switch {
	case k.Kind == Object:
		return k
	case k.Elem != nil && k.Elem.Kind == Object:
		return k.Elem
	}
	return nil
}

func shortType(k *Key) string {
	path := k.Type.PkgPath()
	return path[strings.LastIndex(path, "/")+1:] + "." + k.Type.Name()
}

func (k *Key) intro() string {
	text := escape(k.Comment.Meaning)
	if text == "" {
		text = "Settings of `" + k.Name + "`."
	}
	if k.Kind == List {
		return text + " Each entry has:"
	}
	if k.Off || k.Optional {
		text += " Not there unless it is named."
	}
	return text
}

func table(b *bytes.Buffer, keys []*Key) {
	if len(keys) == 0 {
		return
	}
	b.WriteString("\n| key | type | default | unit, bounds | meaning |\n|---|---|---|---|---|\n")
	for _, k := range keys {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", k.Name, k.kind(), k.defaultCell(), k.bounds(), k.meaning())
	}
}

func (k *Key) kind() string {
	switch {
	case k.Kind == List:
		return "list of " + k.Elem.kind() + "s"
	case k.Kind == Map:
		return "map of " + k.Elem.kind() + "s"
	case k.Secret:
		return "secret"
	}
	return string(k.Kind)
}

// defaultCell is what holds if the key is not there.
func (k *Key) defaultCell() string {
	switch {
	case k.Comment.Required:
		return "required"
	case k.Kind == Object && (k.Off || k.Optional):
		return "off"
	case k.Kind == Object:
		return "below"
	case k.Default != "":
		return "`" + k.Default + "`"
	case k.Comment.Default != "":
		return escape(k.Comment.Default)
	}
	return "none"
}

func (k *Key) bounds() string {
	var parts []string
	if k.Comment.Unit != "" {
		parts = append(parts, k.Comment.Unit)
	}
	if k.Comment.Bounds != "" {
		parts = append(parts, k.Comment.Bounds)
	}
	if k.Comment.OneOf != nil {
		parts = append(parts, code(k.Comment.OneOf))
	}
	if k.Comment.Names != nil {
		parts = append(parts, "names: "+code(k.Comment.Names))
	}
	if len(parts) == 0 {
		return "–"
	}
	return strings.Join(parts, "; ")
}

func code(words []string) string { return "`" + strings.Join(words, "`, `") + "`" }

func (k *Key) meaning() string {
	text := escape(k.Comment.Meaning)
	// A default that says more than its value.
	if d := k.Comment.Default; k.Default == "" && strings.Contains(d, ", ") && !k.Comment.Required {
		return text
	}
	if k.inside() != nil && len(k.inside().Children) > 0 {
		path := k.Path
		if k.Kind == List {
			path += "[]"
		}
		text = strings.TrimSpace(text + " [Its keys](#" + slug(path) + ").")
	}
	if text == "" {
		return "–"
	}
	return text
}

// slug is the anchor that a heading has.
func slug(heading string) string {
	return strings.ToLower(strings.NewReplacer("::", "", "[]", "", "`", "", " ", "-").Replace(heading))
}

var markdown = strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`)

// escape keeps text from being taken for Markdown, but for code.
func escape(text string) string {
	parts := strings.Split(text, "`")
	for i := range parts {
		if i%2 == 0 {
			parts[i] = markdown.Replace(parts[i])
		}
	}
	return strings.Join(parts, "`")
}

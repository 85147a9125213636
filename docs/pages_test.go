// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pages are all Markdown files of the repository, by their path in it.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir("..", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && (len(name) > 2 && name[0] == '.' || name == "testdata" || name == "node_modules" || file == "../bin" || file == "../data") {
			return filepath.SkipDir
		}
		if filepath.Ext(file) == ".md" {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			found[strings.TrimPrefix(file, "../")] = string(text)
		}
		return nil
	}))
	require.Greater(t, len(found), 40)
	return found
}

// block is a fenced part of a page.
type block struct {
	language, text string
	before         string // the line above it that is not empty
}

// split takes a page apart into what is between its fences and what is in them.
func split(text string) (prose string, blocks []block) {
	var b *block
	var out []string
	last := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		mark := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(mark, "```") && b == nil:
			b = &block{language: strings.TrimPrefix(mark, "```"), before: last}
		case mark == "```" && b != nil:
			blocks = append(blocks, *b)
			b, last = nil, ""
		case b != nil:
			b.text += line + "\n"
		default:
			out = append(out, line)
			if mark != "" {
				last = mark
			}
		}
	}
	return strings.Join(out, "\n"), blocks
}

var (
	inline    = regexp.MustCompile("`[^`\n]*`")
	pageLink  = regexp.MustCompile(`\]\(([^)\s]+)(?:\s+"[^"]*")?\)`)
	title     = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *#*$`)
	linkText  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	unmarked  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	anchorTag = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
)

// places are the anchors that GitHub gives a page's headings.
func places(text string) map[string]bool {
	prose, _ := split(text)
	found := map[string]bool{}
	for _, m := range title.FindAllStringSubmatch(prose, -1) {
		slug := linkText.ReplaceAllString(m[1], "$1")
		slug = strings.ReplaceAll(unmarked.ReplaceAllString(strings.ToLower(slug), ""), " ", "-")
		found[slug] = true
	}
	for _, m := range anchorTag.FindAllStringSubmatch(prose, -1) {
		found[m[1]] = true
	}
	return found
}

// broken says what is wrong with a link of a page, or nothing.
func broken(page, link string, all map[string]string) string {
	if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
		u, err := url.Parse(link)
		if err != nil || u.Scheme != "mailto" && u.Host == "" {
			return "no URL"
		}
		return ""
	}
	file, anchor, _ := strings.Cut(link, "#")
	target := page
	if file != "" {
		target = filepath.Join(filepath.Dir(page), file)
		if strings.HasPrefix(file, "/") {
			return "not relative"
		}
		if _, err := os.Stat(filepath.Join("..", target)); err != nil {
			return "no such file"
		}
	}
	if text, ok := all[target]; ok && anchor != "" && !places(text)[anchor] {
		return "no such heading"
	}
	return ""
}

// Every link between pages leads to a file and a heading that are there; links
// to elsewhere are URLs.
func TestLinks(t *testing.T) {
	all := pages(t)
	links := 0
	for page, text := range all {
		prose, _ := split(text)
		// Code in a link's text stays, so that the brackets do.
		prose = inline.ReplaceAllString(prose, "code")
		for _, m := range pageLink.FindAllStringSubmatch(prose, -1) {
			links++
			assert.Empty(t, broken(page, m[1], all), "%s: %s", page, m[1])
		}
	}
	assert.Greater(t, links, 300)
}

func TestBrokenLinks(t *testing.T) {
	all := map[string]string{"docs/a.md": "# A `b::c_d`, e\n```\n# no heading\n```\n", "docs/delivery.md": "# B\n"}
	for link, want := range map[string]string{
		"#a-bc_d-e": "", "#no-heading": "no such heading", "#b": "no such heading", "delivery.md": "", "delivery.md#b": "",
		"delivery.md#c": "no such heading", "nowhere.md": "no such file", "../README.md": "", "/docs/delivery.md": "not relative",
		"https://example.com/a#b": "", "https:///a": "no URL", "mailto:a@example.com": "",
	} {
		assert.Equal(t, want, broken("docs/a.md", link, all), link)
	}
}

// languages are what a block may be in. sh and console are commands: sh blocks
// are run by the test that commands names for the page, or stand in shown;
// console blocks are run, and what they print compared, by TestConsole. Others
// show text.
var languages = []string{"sh", "console", "text", "", "yaml", "json", "go", "js", "markdown", "promql", "ini"}

// commands names the test that runs the sh blocks of a page.
var commands = map[string]string{
	"README.md":            "testbed/readme_test.go: TestReadme",
	"docs/consuming.md":    "testbed/docs_test.go: TestDocs",
	"docs/kafka-topics.md": "testbed/docs_test.go: TestDocs",
	"docs/secure-setup.md": "testbed/secure_docs_test.go: TestSecureSetup",
}

// shown are pages whose sh blocks are not run as they stand, because they need
// what no test of the page could have (systemd, a cluster, minutes of load), and
// the test that does what they say, or holds them to what there is.
var shown = map[string]string{
	"CONTRIBUTING.md":                      "docs/pages_test.go: TestShownCommandsExist",
	"cmd/feedbackctl/README.md":            "docs/pages_test.go: TestShownCommandsExist",
	"distribution/observability/README.md": "testbed/observability/rules_test.go: TestRules",
	"docs/deployment-*.md":                 "testbed/install/packages_test.go: TestDebianPackage",
	"docs/deployment-container.md":         "testbed/container_test.sh: ",
	"docs/faults.md":                       "docs/pages_test.go: TestShownCommandsExist",
	"docs/performance.md":                  "docs/pages_test.go: TestShownCommandsExist",
	"docs/redaction.md":                    "docs/pages_test.go: TestShownCommandsExist",
	"docs/runbooks/*.md":                   "docs/runbooks_test.go: TestCommandsInRunbooksExist",
	"docs/troubleshooting.md":              "docs/pages_test.go: TestShownCommandsExist",
	"docs/upgrades.md":                     "testbed/install/packages_test.go: TestDebianPackage",
	"testbed/README.md":                    "docs/pages_test.go: TestShownCommandsExist",
}

// runBy names the test that is behind a page's commands.
func runBy(page string) (string, bool) {
	if where, ok := commands[page]; ok {
		return where, true
	}
	if where, ok := shown[page]; ok {
		return where, true
	}
	for pattern, where := range shown {
		if ok, _ := filepath.Match(pattern, page); ok {
			return where, true
		}
	}
	return "", false
}

var makeTarget = regexp.MustCompile(`^make((?: [a-z-]+)+)`)

// What sh blocks call is there: make's targets, feedbackctl's commands and flags.
func TestShownCommandsExist(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	require.NoError(t, err)
	seen := 0
	for page, text := range pages(t) {
		_, blocks := split(text)
		for _, b := range blocks {
			if b.language != "sh" {
				continue
			}
			for line := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", " ")) {
				line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
				if m := makeTarget.FindStringSubmatch(line); m != nil {
					for target := range strings.FieldsSeq(m[1]) {
						assert.Regexp(t, `(?m)^`+target+`:`, string(makefile), "%s: %s", page, line)
						seen++
					}
				}
				for _, m := range command.FindAllStringSubmatch(line, -1) {
					call := regexp.MustCompile(`'[^']*'|"[^"]*"`).ReplaceAllString(m[1], "''")
					flags, found := flagsOf(t, strings.Fields(call))
					assert.True(t, found, "%s: there is no %s", page, line)
					for _, g := range given.FindAllStringSubmatch(call, -1) {
						assert.True(t, flags[g[1]], "%s: %s: no flag %s", page, line, g[1])
					}
					seen++
				}
			}
		}
	}
	assert.Greater(t, seen, 30)
}

var notRun = regexp.MustCompile(`^<!-- not run here: (?:(\S+_test\.go|\S+\.sh|Makefile): (\S+)|.+) -->$`)

// Every block of commands is run by a test, or says that it is not and what
// covers it instead.
func TestCommandsAreRun(t *testing.T) {
	ran := 0
	for page, text := range pages(t) {
		_, blocks := split(text)
		for _, b := range blocks {
			assert.Contains(t, languages, b.language, "%s: a block in an unknown language:\n%s", page, b.text)
			switch b.language {
			case "sh":
				where, listed := runBy(page)
				if m := notRun.FindStringSubmatch(b.before); m != nil {
					where, listed = m[1]+": "+m[2], m[1] != ""
				} else if !assert.True(t, listed, "%s: nothing runs this block; make it a console block, or write above it <!-- not run here: file_test.go: TestName -->:\n%s", page, b.text) {
					continue
				}
				if listed {
					file, test, _ := strings.Cut(where, ": ")
					test = strings.TrimSpace(test)
					code, err := os.ReadFile(filepath.Join("..", file))
					if assert.NoError(t, err, page) {
						assert.Regexp(t, `(?m)^(func )?(`+regexp.QuoteMeta(test)+`)`, string(code), "%s: %s", page, where)
					}
				}
				ran++
			case "console":
				assert.Equal(t, "docs", filepath.Dir(page), "TestConsole runs the pages of docs/: %s", page)
				assert.True(t, strings.HasPrefix(b.text, "$ "), "%s: begins with no command:\n%s", page, b.text)
				ran++
			}
		}
	}
	assert.Greater(t, ran, 20)
	for page, where := range commands {
		assert.Contains(t, slices.Collect(maps.Keys(pages(t))), page, where)
	}
}

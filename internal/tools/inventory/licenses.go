// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licenseclassifier/v2/assets"
)

// allowed are the licences that may be in a binary, each with what it asks of
// those who hand the binary on.
var allowed = map[string]string{
	"0BSD":         "nothing",
	"Apache-2.0":   "licence text and NOTICE go along",
	"BSD-2-Clause": "licence text goes along",
	"BSD-3-Clause": "licence text goes along",
	"CC0-1.0":      "nothing",
	"FSFAP":        "licence text goes along",
	"ISC":          "licence text goes along",
	"MIT":          "licence text goes along",
	"MPL-2.0":      "licence text goes along; the files under it are used unchanged, and their source is the module at the version that is named",
	"Unlicense":    "nothing",
}

// licensed is a module with what it says about its licence.
type licensed struct {
	module module
	// ids are the SPDX identifiers of its licence texts, sorted.
	ids []string
	// texts are its licence texts and notices, by their path in the module.
	texts []text
}

type text struct {
	name    string
	content string
	ids     []string // empty: a notice, or not recognised
	notice  bool
}

// expression says all licences of the module as SPDX does: each of its texts
// holds for a part of it.
func (l *licensed) expression() string {
	if len(l.ids) == 0 {
		return "NOASSERTION"
	}
	return strings.Join(l.ids, " AND ")
}

// judge says what keeps the module from being distributed.
func (l *licensed) judge() []error {
	if l.module.own {
		return nil
	}
	var faults []error
	if !slices.ContainsFunc(l.texts, func(t text) bool { return !t.notice }) {
		faults = append(faults, fmt.Errorf("%s: no licence text found", l.module))
	}
	for _, t := range l.texts {
		if !t.notice && len(t.ids) == 0 {
			faults = append(faults, fmt.Errorf("%s: %s is no licence that is known", l.module, t.name))
		}
	}
	for _, id := range l.ids {
		if _, ok := allowed[id]; !ok {
			faults = append(faults, fmt.Errorf("%s: licence %s is not allowed", l.module, id))
		}
	}
	return faults
}

// merge joins what two binaries say about one module: each may hold packages of
// it that the other lacks.
func merge(a, b licensed) licensed {
	for _, t := range a.texts {
		if !slices.ContainsFunc(b.texts, func(o text) bool { return o.name == t.name }) {
			b.texts = append(b.texts, t)
		}
	}
	b.settle()
	return b
}

// settle brings texts and ids into their order.
func (l *licensed) settle() {
	slices.SortFunc(l.texts, func(a, b text) int { return strings.Compare(a.name, b.name) })
	if l.module.own {
		return
	}
	l.ids = nil
	for _, t := range l.texts {
		l.ids = append(l.ids, t.ids...)
	}
	slices.Sort(l.ids)
	l.ids = slices.Compact(l.ids)
}

// Names of files that hold a licence, and of those that have to go along with it.
var (
	licenceFile = regexp.MustCompile(`(?i)^(UN)?(LICEN[CS]E|COPYING)([.-].*)?$`)
	noticeFile  = regexp.MustCompile(`(?i)^(NOTICES?|PATENTS|COPYRIGHT)([.-].*)?$`)
	source      = regexp.MustCompile(`(?i)\.(go|s|c|h|json|tmpl|tpl|png|svg|sh|py)$`)
)

// licensesOf finds the licences of all modules of a binary, in their order.
func licensesOf(b *binary, folder string, classify classifier) ([]licensed, error) {
	linked, err := listPackages(folder)
	if err != nil {
		return nil, err
	}
	found := make([]licensed, 0, len(b.modules))
	for _, m := range b.modules {
		l := licensed{module: m}
		folders := linked[m.path]
		switch {
		case m.own:
			l.ids = []string{"Apache-2.0"}
		case len(folders) == 0:
			return nil, fmt.Errorf("%s holds %s, which the package in %s does not: build it anew", b.file, m, folder)
		default:
			if l.texts, err = textsOf(folders, classify); err != nil {
				return nil, err
			}
			l.settle()
		}
		found = append(found, l)
	}
	return found, nil
}

// textsOf reads what lies beside the packages and above them, up to the
// module's own folder, which is the first.
func textsOf(folders []string, classify classifier) ([]text, error) {
	root := folders[0]
	seen := map[string]bool{}
	var texts []text
	for _, folder := range folders {
		for ; !seen[folder]; folder = filepath.Dir(folder) {
			seen[folder] = true
			more, err := textsIn(folder, root, classify)
			if err != nil {
				return nil, err
			}
			texts = append(texts, more...)
			if folder == root {
				break
			}
		}
	}
	return texts, nil
}

func textsIn(folder, root string, classify classifier) ([]text, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var texts []text
	for _, e := range entries {
		isNotice := noticeFile.MatchString(e.Name())
		if !e.Type().IsRegular() || source.MatchString(e.Name()) || !isNotice && !licenceFile.MatchString(e.Name()) {
			continue
		}
		file := filepath.Join(folder, e.Name())
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return nil, err
		}
		t := text{name: filepath.ToSlash(name), content: string(content), notice: isNotice}
		if !isNotice {
			t.ids = classify(content)
		}
		texts = append(texts, t)
	}
	return texts, nil
}

// spdx is the SPDX identifier of a licence of which the classifier has another
// name.
func spdx(name string) string {
	if name == "GNU-All-permissive-Copying-License" {
		return "FSFAP"
	}
	return name
}

// classifier names the licences in a text.
type classifier func(content []byte) []string

// newClassifier knows the texts of Google's licence classifier. Many modules
// have the same file: each is looked at once.
func newClassifier() (classifier, error) {
	known, err := assets.DefaultClassifier()
	if err != nil {
		return nil, err
	}
	before := map[string][]string{}
	return func(content []byte) []string {
		if ids, ok := before[string(content)]; ok {
			return ids
		}
		var ids, headers []string
		for _, m := range known.Match(known.Normalize(content)).Matches {
			switch m.MatchType {
			case "License":
				ids = append(ids, spdx(m.Name))
			case "Header":
				headers = append(headers, spdx(m.Name))
			}
		}
		if len(ids) == 0 {
			ids = headers // a file that only names its licence
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		before[string(content)] = ids
		return ids
	}, nil
}

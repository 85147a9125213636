// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// writeSBOM writes the bill of materials of a binary.
func writeSBOM(w io.Writer, b *binary, version string) error {
	sum, err := sha256File(b.file)
	if err != nil {
		return err
	}
	main := component(module{path: b.module, version: version, own: true}, version)
	main.Type = cdx.ComponentTypeApplication
	main.Name = b.name
	main.BOMRef = main.PackageURL + "#" + b.name
	main.Licenses = &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}}
	main.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: sum}}

	var components []cdx.Component
	var refs []string
	for _, l := range b.licensed {
		c := component(l.module, version)
		if len(l.ids) == 1 {
			c.Licenses = &cdx.Licenses{{License: &cdx.License{ID: l.ids[0]}}}
		} else if len(l.ids) > 1 {
			c.Licenses = &cdx.Licenses{{Expression: l.expression()}}
		}
		components = append(components, c)
		refs = append(refs, c.BOMRef)
	}

	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{
		Component: &main,
		Tools: &cdx.ToolsChoice{Components: &[]cdx.Component{{
			Type: cdx.ComponentTypeApplication, Name: "inventory", Group: ownPrefix + "/internal/tools",
		}}},
	}
	bom.Components = &components
	// The linker says which modules are in the binary, not which needs which.
	bom.Dependencies = &[]cdx.Dependency{{Ref: main.BOMRef, Dependencies: &refs}}
	bom.Compositions = &[]cdx.Composition{{
		Aggregate:  cdx.CompositionAggregateComplete,
		Assemblies: &[]cdx.BOMReference{cdx.BOMReference(main.BOMRef)},
	}}
	encoder := cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false)
	return encoder.EncodeVersion(bom, cdx.SpecVersion1_6)
}

// component is one module. Our own modules have no version but the product's.
func component(m module, version string) cdx.Component {
	if m.own {
		m.version = version
	}
	c := cdx.Component{Type: cdx.ComponentTypeLibrary, Name: m.path, Version: m.version, PackageURL: purl(m)}
	c.BOMRef = c.PackageURL
	if m.sum != "" {
		// A hash over the module's files, not of one file that could be compared.
		c.Properties = &[]cdx.Property{{Name: "go:sum", Value: m.sum}}
	}
	return c
}

// purl is the package URL: pkg:golang/NAMESPACE/NAME@VERSION.
func purl(m module) string {
	escape := strings.NewReplacer("+", "%2B", "@", "%40", "?", "%3F", "#", "%23", " ", "%20")
	folder, name := path.Split(m.path)
	return fmt.Sprintf("pkg:golang/%s%s@%s", folder, escape.Replace(name), escape.Replace(m.version))
}

func sha256File(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

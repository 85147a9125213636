// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package configref

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strings"
)

// pkg is the source of a package, as far as its structs' comments go.
type pkg struct {
	version string                       // of its module, empty in this one
	fields  map[string]map[string]string // type, field: comment
	types   map[string]string            // type: comment
}

// source reads the comments of packages, each once.
type source struct {
	dir      string // a folder of this module, where the go command runs
	packages map[string]*pkg
}

// of returns the package of an import path.
func (s *source) of(path string) (*pkg, error) {
	if p, ok := s.packages[path]; ok {
		return p, nil
	}
	//nolint:gosec // an import path of a type that is linked into this program
	cmd := exec.CommandContext(context.Background(), "go", "list", "-f", "{{.Dir}}\n{{with .Module}}{{.Version}}{{end}}", path)
	cmd.Dir = s.dir
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", path, err)
	}
	dir, version, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	p := &pkg{version: version, fields: map[string]map[string]string{}, types: map[string]string{}}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.read(file)
	}
	s.packages[path] = p
	return p, nil
}

func (p *pkg) read(file *ast.File) {
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range group.Specs {
			typ, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			comment := typ.Doc
			if comment == nil {
				comment = group.Doc
			}
			p.types[typ.Name.Name] = comment.Text()
			if s, ok := typ.Type.(*ast.StructType); ok {
				p.fields[typ.Name.Name] = comments(s)
			}
		}
	}
}

// comments are those of a struct's fields; an embedded one has its type's name.
func comments(s *ast.StructType) map[string]string {
	found := map[string]string{}
	for _, field := range s.Fields.List {
		text := field.Doc.Text()
		if text == "" {
			text = field.Comment.Text()
		}
		for _, name := range field.Names {
			found[name.Name] = text
		}
		if len(field.Names) == 0 {
			name := field.Type
			if s, ok := name.(*ast.SelectorExpr); ok {
				name = s.Sel
			}
			if id, ok := name.(*ast.Ident); ok {
				found[id.Name] = text
			}
		}
	}
	return found
}

// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package configref

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"go.opentelemetry.io/collector/config/configopaque"
)

const module = "github.com/otelcol-feedback/otelcol-feedback"

// Kind is what a value is in YAML.
type Kind string

// The kinds of values.
const (
	Object   Kind = "object"
	Map      Kind = "map"
	List     Kind = "list"
	String   Kind = "string"
	Integer  Kind = "integer"
	Number   Kind = "number"
	Boolean  Kind = "boolean"
	Duration Kind = "duration"
	Any      Kind = "any"
)

// Component is a component's configuration.
type Component struct {
	Section string // receivers, processors, exporters or extensions
	Type    string // its name in YAML
	Folder  string // in the repository
	Root    *Key
}

// Key is one setting.
type Key struct {
	Name    string // in YAML, empty for entries of lists and maps
	Path    string // from the component on, with "::" between the levels
	Kind    Kind
	Secret  bool
	Default string // what the default configuration has, as in YAML; empty for none
	Comment Comment
	Own     bool // declared in this project
	// Off and Optional say of an object that it is absent unless named, and that
	// "enabled: false" takes it away.
	Off, Optional bool
	// Type is the Go type that declares an object's keys.
	Type reflect.Type
	// Version is that of the module of Type, empty in this project.
	Version  string
	Children []*Key
	Elem     *Key // of a list or map
	InList   bool // an object that is the entry of a list
}

// Load describes all components. dir is a folder of this module.
func Load(dir string) ([]*Component, error) {
	w := &walker{source: &source{dir: dir, packages: map[string]*pkg{}}}
	var out []*Component
	for _, f := range factories() {
		config := reflect.ValueOf(f.CreateDefaultConfig()).Elem()
		root := &Key{Kind: Object, Own: true}
		if err := w.object(root, config); err != nil {
			return nil, fmt.Errorf("%s::%s: %w", f.section, f.Type(), err)
		}
		out = append(out, &Component{Section: f.section, Type: f.Type().String(), Folder: f.folder, Root: root})
	}
	return out, nil
}

// Walk calls visit for every key below this one.
func (k *Key) Walk(visit func(*Key)) {
	for _, c := range k.Children {
		visit(c)
		c.Walk(visit)
	}
	if k.Elem != nil {
		k.Elem.Walk(visit)
	}
}

type walker struct {
	source *source
}

// object describes the keys of a struct.
func (w *walker) object(k *Key, v reflect.Value) error {
	t := v.Type()
	p, err := w.source.of(t.PkgPath())
	if err != nil {
		return err
	}
	k.Type, k.Version = t, p.version
	own := strings.HasPrefix(t.PkgPath(), module)
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		if !field.IsExported() || name == "-" {
			continue
		}
		comment, err := read(p.fields[t.Name()][field.Name], own)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", t, field.Name, err)
		}
		if strings.Contains(options, "squash") {
			part := &Key{Path: k.Path}
			if err := w.object(part, v.Field(i)); err != nil {
				return err
			}
			if err := part.apply(comment.Inner, own); err != nil {
				return err
			}
			k.Children = append(k.Children, part.Children...)
			continue
		}
		if name == "" {
			name = strings.ToLower(field.Name)
		}
		child := &Key{Name: name, Path: join(k.Path, name), Own: own, Comment: comment}
		child.named(field.Name, t)
		if err := w.value(child, v.Field(i)); err != nil {
			return err
		}
		if err := child.apply(comment.Inner, own); err != nil {
			return err
		}
		k.Children = append(k.Children, child)
	}
	return nil
}

// read takes this project's comments apart, and of others the first paragraph.
func read(text string, own bool) (Comment, error) {
	if own {
		return ParseComment(text)
	}
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n\n")
	first = strings.TrimSpace(space.ReplaceAllString(first, " "))
	// Its defaults may not be those that a component of ours has.
	first = strings.TrimSpace(theirDefault.ReplaceAllString(first, ""))
	if first != "" && !strings.HasSuffix(first, ".") {
		first += "."
	}
	return Comment{Meaning: first}, nil
}

var theirDefault = regexp.MustCompile(`\s*\((?:optional|default)[^)]*\)\.?|\s*(?:Defaults to|By default, this is) [^.]*\.|\s*Default: .*`)

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "::" + name
}

// apply gives keys of a foreign type what this project says of them.
func (k *Key) apply(inner map[string]Comment, own bool) error {
	for path, comment := range inner {
		found := false
		k.Walk(func(c *Key) {
			if c.Path != join(k.Path, path) {
				return
			}
			found = true
			if comment.Meaning == "" {
				comment.Meaning = c.Comment.Meaning
			}
			if rest, ok := strings.CutPrefix(comment.Meaning, c.Name+" "); ok {
				comment.Meaning = "`" + c.Name + "` " + rest
			}
			c.Comment = comment
		})
		if !found && own {
			return fmt.Errorf("%s: the comment speaks of %s, which is no key", k.Path, path)
		}
	}
	return nil
}

// value describes a field's value.
func (w *walker) value(k *Key, v reflect.Value) error {
	if v.Kind() == reflect.Pointer {
		k.Off = v.IsNil()
		if v.IsNil() {
			v = reflect.New(v.Type().Elem())
		}
		return w.value(k, v.Elem())
	}
	if isOptional(v.Type()) {
		return w.optional(k, v)
	}
	t := v.Type()
	switch {
	case t == reflect.TypeFor[time.Duration]():
		k.Kind, k.Default = Duration, shortDuration(time.Duration(v.Int()))
		return nil
	case t == reflect.TypeFor[configopaque.String]():
		k.Kind, k.Secret = String, true
		return nil
	case t == reflect.TypeFor[configopaque.MapList]():
		k.Kind, k.Secret, k.Elem = Map, true, &Key{Kind: String, Secret: true}
		return nil
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		k.Kind = String
		if !v.IsZero() {
			k.Default = fmt.Sprint(v.Interface())
		}
		return nil
	}
	return w.plain(k, v)
}

func (w *walker) plain(k *Key, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Struct:
		k.Kind = Object
		return w.object(k, v)
	case reflect.String:
		k.Kind, k.Default = String, v.String()
	case reflect.Bool:
		k.Kind, k.Default = Boolean, fmt.Sprint(v.Interface())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		k.Kind, k.Default = Integer, fmt.Sprint(v.Interface())
		if v.CanInt() {
			k.Default = fmt.Sprint(v.Int()) // not the name that a type may have for it
		}
	case reflect.Float32, reflect.Float64:
		k.Kind, k.Default = Number, fmt.Sprint(v.Interface())
	case reflect.Slice, reflect.Map:
		return w.several(k, v)
	case reflect.Interface:
		k.Kind = Any
	default:
		return fmt.Errorf("%s: no way to describe a %s", k.Path, v.Type())
	}
	return nil
}

// several describes a list or a map by its entries.
func (w *walker) several(k *Key, v reflect.Value) error {
	k.Kind = List
	if v.Kind() == reflect.Map {
		k.Kind = Map
	}
	k.Elem = &Key{Path: k.Path + "[]", Own: k.Own}
	if err := w.value(k.Elem, reflect.New(v.Type().Elem()).Elem()); err != nil {
		return err
	}
	k.Elem.InList = v.Kind() == reflect.Slice
	if v.Kind() == reflect.Slice && v.Len() > 0 && k.Elem.Kind == String && !k.Elem.Secret {
		var entries []string
		for i := range v.Len() {
			entry := fmt.Sprint(v.Index(i).Interface())
			if entry == "" {
				entry = `""`
			}
			entries = append(entries, entry)
		}
		k.Default = "[" + strings.Join(entries, ", ") + "]"
	}
	return nil
}

func isOptional(t reflect.Type) bool {
	return strings.HasSuffix(t.PkgPath(), "/configoptional") && strings.HasPrefix(t.Name(), "Optional[")
}

// optional describes what an Optional holds once it is named.
func (w *walker) optional(k *Key, v reflect.Value) error {
	held := reflect.New(v.Type())
	held.Elem().Set(v)
	k.Off = !held.MethodByName("HasValue").Call(nil)[0].Bool()
	get := held.MethodByName("Get")
	of := get.Type().Out(0).Elem()
	if of.Kind() != reflect.Struct {
		if k.Off {
			if err := w.value(k, reflect.New(of).Elem()); err != nil {
				return err
			}
			k.Default = ""
			return nil
		}
		return w.value(k, get.Call(nil)[0].Elem())
	}
	k.Optional = true
	return w.value(k, held.MethodByName("GetOrInsertDefault").Call(nil)[0].Elem())
}

// shortDuration writes 15m for 15m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// named writes a key where a comment has the name of its field: at the
// beginning, and for fields of the same struct whose names are no English words.
func (k *Key) named(field string, t reflect.Type) {
	text := k.Comment.Meaning
	if rest, ok := strings.CutPrefix(text, field+" "); ok {
		text = "`" + k.Name + "` " + rest
	}
	if !k.Own {
		k.Comment.Meaning = text
		return
	}
	words := strings.Split(text, " ")
	for i := range t.NumField() {
		other := t.Field(i)
		name, _, _ := strings.Cut(other.Tag.Get("mapstructure"), ",")
		if name == "" || strings.ToLower(other.Name[1:]) == other.Name[1:] {
			continue
		}
		for j, word := range words {
			if strings.TrimRight(word, ".,;:") == other.Name {
				words[j] = strings.Replace(word, other.Name, "`"+name+"`", 1)
			}
		}
	}
	k.Comment.Meaning = strings.Join(words, " ")
}

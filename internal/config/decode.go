package config

import (
	"path/filepath"
	"reflect"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// decoder moves the nodes of one file into a struct, and notes for each
// setting where it stands. It is our own, since the library's strict decoding
// stops at some mistakes, names no columns for others, and quotes values.
type decoder struct {
	*report
	file string
}

// mistake adds a problem at n. Unlike problem it is never held back: what the
// decoder finds are separate mistakes, even in one setting.
func (d decoder) mistake(n *yaml.Node, path, message string) {
	d.problems = append(d.problems, Problem{d.file, n.Line, n.Column, path, message})
}

// wrong is a mistake that leaves the setting at path without its value.
func (d decoder) wrong(n *yaml.Node, path, message string) {
	d.failed[path] = true
	d.mistake(n, path, message)
}

// value decodes n into v, which stands at path and is declared by tag. An empty
// value is no value: the default stays.
func (d decoder) value(n *yaml.Node, v reflect.Value, tag reflect.StructTag, path string) {
	n = target(n)
	if isNull(n) {
		if !isSection(v.Type()) {
			d.note(n, path)
		}
		return
	}
	d.note(n, path)
	switch {
	case isSection(v.Type()):
		d.section(n, v, path)
	case v.Kind() == reflect.Slice:
		d.list(n, v, path)
	default:
		d.scalar(n, leaf{path, tag, v})
	}
}

func (d decoder) note(n *yaml.Node, path string) {
	d.places[path] = place{file: d.file, line: n.Line, column: n.Column}
}

// section decodes a mapping, whose keys must be those of v's tags, each once.
func (d decoder) section(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.wrong(n, path, "must be a group of settings, each on a line of its own as key: value")
		return
	}
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			d.mistake(key, path, "a key must be a single word")
			continue
		}
		f, v, ok := field(v, key.Value)
		switch {
		case !ok:
			d.unknown(key, v, path)
		case first[key.Value] != nil:
			d.mistake(key, child(path, key.Value), "is given twice; the first is on line "+strconv.Itoa(first[key.Value].Line))
		default:
			first[key.Value] = key
			d.value(value, v, f.Tag, child(path, key.Value))
		}
	}
}

// list decodes a sequence; what is in it starts from its defaults.
func (d decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		message := "must be a list, each entry on a line of its own after a dash"
		if v.Type().Elem().Kind() == reflect.String {
			message = "must be a list such as [a, b]"
		}
		d.wrong(n, path, message)
		return
	}
	for i, c := range n.Content {
		c, at := target(c), element(path, i)
		e := reflect.New(v.Type().Elem()).Elem()
		d.note(c, at)
		if isSection(e.Type()) {
			setDefaults(e)
		}
		d.value(c, e, "", at)
		v.Set(reflect.Append(v, e))
	}
}

func (d decoder) scalar(n *yaml.Node, l leaf) {
	// A tag such as !!binary or !!int says that the text is not the value.
	if n.Kind != yaml.ScalarNode || n.Style&yaml.TaggedStyle != 0 && n.Tag != "!!str" {
		d.wrong(n, l.path, "must be "+l.expected()+l.forExample())
		return
	}
	if problem := l.parse(n.Value); problem != "" {
		d.wrong(n, l.path, problem)
		return
	}
	if s := l.value; l.tag.Get("path") == "file" && s.String() != "" && !filepath.IsAbs(s.String()) {
		s.SetString(filepath.Join(filepath.Dir(d.file), s.String()))
	}
}

// target follows an alias (*name) to the node that it stands for.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// field finds the field of the struct v that key stands for; without one it
// returns v itself.
func field(v reflect.Value, key string) (reflect.StructField, reflect.Value, bool) {
	for i := range v.NumField() {
		if f := v.Type().Field(i); key != "-" && f.Tag.Get("yaml") == key {
			return f, v.Field(i), true
		}
	}
	return reflect.StructField{}, v, false
}

package config

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

// WriteYAML writes the effective configuration as a file that sets everything,
// with "[redacted]" in place of secrets. The error is w's.
func (c *Config) WriteYAML(w io.Writer) error {
	return encode(w, encoder{}.section(reflect.ValueOf(c).Elem()))
}

// Example is a file with every setting and what it means, to start from. It
// loads as it is.
func Example() string {
	c := defaults()
	c.Environments = []Environment{defaultEnvironment()}
	for l := range leaves(reflect.ValueOf(&c).Elem(), "") {
		l.parse(l.tag.Get("example"))
	}
	var b bytes.Buffer
	if err := encode(&b, encoder{commented: true}.section(reflect.ValueOf(&c).Elem())); err != nil {
		panic(err) // a Buffer takes everything
	}
	return "# Configuration of dvproxy: every setting, with its default or an example.\n" +
		"# What is left out has its default; docs/configuration.md lists them.\n\n" +
		strings.ReplaceAll(b.String(), "\n# ", "\n\n# ") // air between the groups
}

func encode(w io.Writer, n *yaml.Node) error {
	text, err := yaml.Dump(n, yaml.WithLineWidth(-1), yaml.WithCompactSeqIndent(false))
	if err != nil {
		return fmt.Errorf("encode configuration: %w", err)
	}
	_, err = w.Write(text)
	return err
}

// encoder turns settings into YAML nodes, the way back of decoder.
type encoder struct {
	commented bool // each setting under a comment that explains it; secrets shown
}

func (e encoder) section(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	absent := "" // comment on settings that are not there
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		if tag.Get("yaml") == "-" {
			continue
		}
		l := leaf{tag: tag, value: v.Field(i)}
		if isSectionList(l.value.Type()) && l.value.Len() == 0 {
			// Left out, since an empty list may mean something else.
			absent += "# " + tag.Get("help") + "\n# " + tag.Get("yaml") + ":\n#   - " + e.specimen(l.value.Type().Elem()) + "\n"
			continue
		}
		key := &yaml.Node{Kind: yaml.ScalarNode, Value: tag.Get("yaml")}
		value := e.value(l)
		if e.commented {
			key.HeadComment = absent + e.comment(l)
			absent = ""
		}
		n.Content = append(n.Content, key, value)
	}
	return n
}

// specimen is one entry of a list of sections, on one line.
func (e encoder) specimen(section reflect.Type) string {
	var pairs []string
	for i := range section.NumField() {
		tag := section.Field(i).Tag
		pairs = append(pairs, tag.Get("yaml")+": "+tag.Get("example"))
	}
	return "{" + strings.Join(pairs, ", ") + "}"
}

func (e encoder) value(l leaf) *yaml.Node {
	v := l.value
	switch {
	case isSection(v.Type()):
		return e.section(v)
	case v.Kind() == reflect.Slice:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		if !isSection(v.Type().Elem()) {
			n.Style = yaml.FlowStyle
		}
		for i := range v.Len() {
			entry := e.value(leaf{value: v.Index(i)})
			if len(entry.Content) > 0 { // its first comment goes above the dash
				first := entry.Content[0]
				entry.HeadComment, first.HeadComment = first.HeadComment, ""
			}
			n.Content = append(n.Content, entry)
		}
		return n
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: l.text()}
	switch s := v.Interface().(type) {
	case string:
		n.Tag = "!!str"
	case Secret:
		n.Tag = "!!str"
		if e.commented {
			n.Value = s.Reveal()
		}
	}
	if n.Value == "" {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// comment is the help of a setting, with what values it takes where that is bounded.
func (e encoder) comment(l leaf) string {
	text := l.tag.Get("help")
	if s := l.tag.Get("empty"); s != "" && l.text() == "" {
		text += " (" + s + ")"
	}
	if strings.Contains(l.expected(), " between ") || l.tag.Get("oneof") != "" {
		text += ": " + l.expected()
	}
	return "# " + text
}

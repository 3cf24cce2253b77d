package config

import (
	"bytes"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Given is a configuration file that says what the flags and variables of src
// say, for a program that they will not reach. Secrets are left out, and so is
// the name of a file; paths are made absolute.
func Given(src Source) ([]byte, error) {
	l := newLoader(src)
	root, environment := mapping(), mapping()
	for leaf := range declared() {
		text, _ := l.given(leaf.tag.Get("flag"), leaf.tag.Get("env"))
		if _, secret := leaf.value.Interface().(Secret); text == "" || secret {
			continue
		}
		text = strings.TrimSpace(text)
		if leaf.tag.Get("path") == "file" {
			var err error
			if text, err = filepath.Abs(text); err != nil {
				return nil, err
			}
		}
		at, path := root, leaf.path
		if of, ok := strings.CutPrefix(path, "environments[]."); ok {
			at, path = environment, of
		}
		put(at, strings.Split(path, "."), text)
	}
	list := &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{environment}}
	root.Content = append([]*yaml.Node{word("environments"), list}, root.Content...)
	var b bytes.Buffer
	b.WriteString("# Configuration of dvproxy. What is left out has its default: see dvproxy config.\n")
	err := encode(&b, root)
	return b.Bytes(), err
}

func mapping() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode} }

func word(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

// put sets the setting that keys lead to, in groups that are made as needed.
func put(in *yaml.Node, keys []string, text string) {
	for _, key := range keys[:len(keys)-1] {
		last := len(in.Content) - 2
		if last < 0 || in.Content[last].Value != key { // settings of a group come one after the other
			in.Content = append(in.Content, word(key), mapping())
			last = len(in.Content) - 2
		}
		in = in.Content[last+1]
	}
	in.Content = append(in.Content, word(keys[len(keys)-1]), word(text))
}

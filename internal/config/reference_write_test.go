package config

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
)

const referenceHead = `# Configuration

<!-- Generated from the declaration in internal/config. Rewrite it with: go test ./internal/config -update -->

dvproxy takes its settings from flags, variables and one YAML file. A flag
counts before a ` + "`DVPROXY_*`" + ` variable, that before the file, the file before the
default. A variable that is empty counts as not set. ` + "`dvproxy config`" + ` prints what
came out, secrets redacted; ` + "`dvproxy config --example`" + ` prints a file to start from.

Every mistake is reported at once, with file, line and column, and nothing is
started: unknown and repeated keys are mistakes, and so are values out of range.

## Without a file

Four variables are a complete set-up: ` + "`DATAVERSE_URL`, `AZURE_TENANT_ID`,\n`AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`" + ` (or ` + "`AZURE_CLIENT_SECRET_FILE`" + `).

`

const referenceMiddle = `
## Flags and variables beside a file

- ` + "`AZURE_*`" + ` variables fill in an environment that has no ` + "`credential`" + ` block. Where
  there is one they are not looked at: Kubernetes puts such variables into pods,
  and they must not change what the file says.
- ` + "`DATAVERSE_URL`" + ` counts if the file names no environment, or a single one with
  neither a ` + "`url` nor a `credential`" + ` block.
- ` + "`--url`, `--listen` and `DVPROXY_LISTEN`" + ` set the single environment, whether or not
  it stands in the file. With several in the file they are a mistake.

## Values

- A duration is a number with a unit, ` + "`ms`, `s`, `m` or `h`: `60s`, `1h30m`" + `.
- A size is a whole number of bytes, ` + "`KiB`, `MiB` or `GiB`: `128MiB`" + `. KB, MB and GB are
  refused, since they mean different sizes to different people.
- A setting that is empty in the file (` + "`name:` or `name: \"\"`" + `) has its default.
- A relative path in the file is taken from the file's folder; one in a variable
  from the working directory.
- URLs start with ` + "`https://`; `http://`" + ` is accepted for a loopback host only.
- A file that holds a secret, the configuration file with a secret in it included,
  must not be writable by every account. One that its group may write or every
  account may read is warned of. Links are followed. On Windows the access list
  counts: every account is Everyone, INTERACTIVE, Authenticated Users or Users.
- A listener on an address that is not loopback needs ` + "`tls`, or\n  `guard.dangerously_allow_plaintext`; and `clients`, or\n  `guard.dangerously_allow_anyone`" + `.

## The file
`

// reference is docs/configuration.md.
func reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	b.WriteString("| flag | variable | default | meaning |\n|---|---|---|---|\n")
	for _, f := range Flags() {
		row(&b, code("--"+f.Name), code(f.Env), cmp.Or(f.Default, "none"), f.Usage)
	}
	b.WriteString(referenceMiddle)
	c := specimen()
	describe(&b, reflect.ValueOf(&c).Elem(), "", "")
	b.WriteString("\n## Example\n\n```yaml\n" + Example() + "```\n")
	return b.String()
}

// describe writes a heading, the help and a table of the settings of the struct
// v itself, then does the same for each section in it.
func describe(b *strings.Builder, v reflect.Value, path, help string) {
	var own []leaf
	for l := range leaves(v, path) {
		if parent(l.path) == path {
			own = append(own, l)
		}
	}
	switch {
	case path != "":
		fmt.Fprintf(b, "\n### `%s`\n\n%s\n", path, help)
	case len(own) > 0:
		b.WriteString("\n### Top level\n")
	}
	if len(own) > 0 {
		b.WriteString("\n| key | default | value | meaning |\n|---|---|---|---|\n")
	}
	for _, l := range own {
		row(b, code(strings.TrimPrefix(l.path, path+".")), l.referenceDefault(), l.expected(), l.referenceHelp())
	}
	for i := range v.NumField() {
		f, field := v.Type().Field(i), v.Field(i)
		switch at := child(path, f.Tag.Get("yaml")); {
		case isSection(f.Type):
			describe(b, field, at, f.Tag.Get("help"))
		case f.Type.Kind() == reflect.Slice && isSection(f.Type.Elem()) && field.Len() > 0:
			describe(b, field.Index(0), at+"[]", f.Tag.Get("help"))
		}
	}
}

func (l leaf) referenceDefault() string {
	if s := l.tag.Get("default"); s != "" {
		return code(s)
	}
	if _, ok := l.value.Interface().([]string); ok && l.tag.Get("empty") == "" {
		return code("[]")
	}
	return l.tag.Get("empty")
}

func (l leaf) referenceHelp() string {
	var from []string
	if f := l.tag.Get("flag"); f != "" {
		from = append(from, code("--"+f))
	}
	if e := l.tag.Get("env"); e != "" {
		from = append(from, code(e))
	}
	if len(from) == 0 {
		return l.tag.Get("help")
	}
	return l.tag.Get("help") + " (" + strings.Join(from, ", ") + ")"
}

func row(b *strings.Builder, cells ...string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func code(s string) string { return "`" + s + "`" }

package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"strings"
)

// Source is where settings come from beside their defaults.
type Source struct {
	// Args are the flags given on the command line, by name without dashes.
	Args map[string]string
	// Getenv looks up a variable; nil means os.Getenv. An empty variable counts as not set.
	Getenv func(string) string
	// Defaults take the place of declared ones, as text by the setting's path.
	// Settings of an environment have none.
	Defaults map[string]string
	// WillBe says of a file with a secret that it will be there in time, and is
	// not to be looked for yet; nil for none.
	WillBe func(path string) bool
}

// Load reads the file named by --config or DVPROXY_CONFIG, if any, and the
// flags and variables, and checks the whole. The error is [Problems] with all
// mistakes at once.
//
// A flag counts before a DVPROXY_* variable, that before the file, the file
// before the default. --url, --listen and DVPROXY_LISTEN describe one
// environment: with several in the file they are an error. AZURE_* fill in an
// environment that has no credential block; DATAVERSE_URL the url of the only
// environment, if the file gives it neither that nor a credential.
func Load(src Source) (*Config, error) {
	l := newLoader(src)
	if !l.read() {
		return nil, l.problems
	}
	return l.finish()
}

// loader carries one Load.
type loader struct {
	*report
	src    Source
	config Config
	path   string // of the file, empty without one
}

func newLoader(src Source) *loader {
	if src.Getenv == nil {
		src.Getenv = os.Getenv
	}
	l := &loader{report: newReport(), src: src, config: defaults()}
	for leaf := range leaves(reflect.ValueOf(&l.config).Elem(), "") {
		if text, ok := src.Defaults[leaf.path]; ok {
			leaf.parse(text)
		}
	}
	return l
}

// read reads the file, if one is named; false if nothing more can be said.
func (l *loader) read() bool {
	path, origin := l.given(configFlag.Name, configFlag.Env)
	if path == "" {
		return true
	}
	data, err := os.ReadFile(path)
	if err != nil {
		l.problems = Problems{{Setting: origin, Message: "cannot read the configuration file: " + reason(err) + ": " + path}}
		return false
	}
	return l.file(path, data)
}

// file decodes data; false if it is no YAML, when nothing more can be said.
func (l *loader) file(path string, data []byte) bool {
	l.path = path
	root, problem := parseYAML(path, data)
	if problem != nil {
		l.problems = append(l.problems, *problem)
		return false
	}
	if root != nil {
		d := decoder{l.report, path}
		d.value(root, reflect.ValueOf(&l.config).Elem(), "", "")
	}
	return true
}

// finish applies flags and variables and checks what has come together.
func (l *loader) finish() (*Config, error) {
	l.override()
	l.check()
	l.config.Warnings = sorted(l.warnings)
	if len(l.problems) > 0 {
		return nil, sorted(l.problems)
	}
	return &l.config, nil
}

func defaults() Config {
	var c Config
	setDefaults(reflect.ValueOf(&c).Elem())
	return c
}

func defaultEnvironment() Environment {
	var e Environment
	setDefaults(reflect.ValueOf(&e).Elem())
	return e
}

// given is the text of a flag, else of a variable, and which of the two it was.
// Either name may be empty. A flag with an empty text is a problem.
func (l *loader) given(flag, env string) (text, origin string) {
	if text, ok := l.src.Args[flag]; ok && flag != "" {
		if text == "" {
			l.problem("--"+flag, "needs a value; leave the flag out for the default")
		}
		return text, "--" + flag
	}
	if env == "" {
		return "", ""
	}
	return l.src.Getenv(env), env
}

// override sets what flags and variables give. Without environments in the
// file it adds the one that they describe.
func (l *loader) override() {
	c := &l.config
	l.overrideShared()
	if l.broken("environments") {
		return
	}
	described := len(c.Environments) == 0
	if described {
		c.Environments = []Environment{defaultEnvironment()}
	}
	for i := range c.Environments {
		l.overrideEnvironment(i, described)
	}
}

// overrideShared sets what flags and variables give of settings that are no
// environment's.
func (l *loader) overrideShared() {
	for leaf := range leaves(reflect.ValueOf(&l.config).Elem(), "") {
		if !strings.HasPrefix(leaf.path, "environments[") {
			l.set(leaf, leaf.tag.Get("env"))
		}
	}
}

// overrideEnvironment sets what flags and variables give of environment i.
// described tells that they are all there is of it, so that a missing setting
// is reported as a missing variable.
func (l *loader) overrideEnvironment(i int, described bool) {
	path := element("environments", i)
	only, block := len(l.config.Environments) == 1, l.has(path+".credential")
	for leaf := range leaves(reflect.ValueOf(&l.config.Environments[i]).Elem(), path) {
		flag, env := leaf.tag.Get("flag"), leaf.tag.Get("env")
		if described && env != "" {
			l.places[leaf.path] = place{origin: env}
		}
		inCredential := parent(leaf.path) == path+".credential"
		switch {
		case strings.HasPrefix(env, "DVPROXY_"):
		case block, l.has(leaf.path) && !described, !only && !inCredential:
			env = ""
		}
		if !only && !inCredential {
			l.refuse(flag, env)
			continue
		}
		l.set(leaf, env)
	}
}

// set gives leaf the text of its flag or of the variable env, if there is one.
func (l *loader) set(leaf leaf, env string) {
	text, origin := l.given(leaf.tag.Get("flag"), env)
	if text == "" {
		return
	}
	l.places[leaf.path] = place{origin: origin}
	delete(l.failed, leaf.path)
	if problem := leaf.parse(text); problem != "" {
		l.problem(leaf.path, "%s", problem)
	}
}

// refuse reports a flag or variable that could mean any of several environments.
func (l *loader) refuse(flag, env string) {
	if text, origin := l.given(flag, env); text != "" {
		l.problem(origin, "describes a single environment, but %s has %d; set it there, for each", l.path, len(l.config.Environments))
	}
}

// reason is why a file could not be read, without the path that the caller names.
func reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Sprint(err)
}

package config

import (
	"cmp"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// leaf is one setting that holds a value of its own: where it stands, what its
// tags say of it, and the value.
type leaf struct {
	path  string // environments[0].retry.max_wait
	tag   reflect.StructTag
	value reflect.Value
}

// leaves walks the settings of the struct v, which stands at path.
func leaves(v reflect.Value, path string) iter.Seq[leaf] {
	return func(yield func(leaf) bool) { walk(v, path, yield) }
}

func walk(v reflect.Value, path string, yield func(leaf) bool) bool {
	for i := range v.NumField() {
		f, field := v.Type().Field(i), v.Field(i)
		key := f.Tag.Get("yaml")
		if key == "-" {
			continue
		}
		at := child(path, key)
		switch {
		case isSection(f.Type):
			if !walk(field, at, yield) {
				return false
			}
		case f.Type.Kind() == reflect.Slice && isSection(f.Type.Elem()):
			for j := range field.Len() {
				if !walk(field.Index(j), element(at, j), yield) {
					return false
				}
			}
		case !yield(leaf{at, f.Tag, field}):
			return false
		}
	}
	return true
}

// isSection reports whether t holds settings and is not one itself.
func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[Secret]()
}

// isSectionList reports whether t is a list of sections.
func isSectionList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && isSection(t.Elem())
}

func child(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func element(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// parse sets the value from text. What it returns says what to write instead,
// without any of the text, which may be a secret in the wrong place; it is
// empty when text was right, and the value is as before when not.
func (l leaf) parse(text string) (problem string) {
	ok := true
	switch p := l.value.Addr().Interface().(type) {
	case *string:
		ok = l.parseString(p, strings.TrimSpace(text))
	case *Secret:
		// The line end comes with YAML blocks and with env files from Windows.
		*p = NewSecret(strings.TrimRight(text, "\r\n"))
	case *[]string:
		*p = strings.Fields(text)
	case *bool:
		if ok = text == "true" || text == "false"; ok {
			*p = text == "true"
		}
	case *float64:
		ok = parseBounded(l, p, text, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
	case *time.Duration:
		ok = parseBounded(l, p, text, time.ParseDuration)
	case *Size:
		ok = parseBounded(l, p, text, ParseSize)
	case *Mode:
		ok = parseBounded(l, p, text, ParseMode)
	case *Concurrency:
		ok = parseBounded(l, p, strings.ToLower(text), ParseConcurrency)
	default:
		ok = false
	}
	if ok {
		return ""
	}
	return "must be " + l.expected() + l.forExample()
}

// parseString leaves the default in place for an empty text, since the file
// shows a setting that is not set as "".
func (l leaf) parseString(p *string, text string) bool {
	if words := l.tag.Get("oneof"); words != "" && text != "" {
		text = strings.ToLower(text)
		if !slices.Contains(strings.Split(words, ","), text) {
			return false
		}
	}
	if text != "" {
		*p = text
	}
	return true
}

func parseBounded[T cmp.Ordered](l leaf, p *T, text string, parse func(string) (T, error)) bool {
	v, err := parse(text)
	if err != nil {
		return false
	}
	// Not v < low, which is false for a float that is no number.
	if low, err := parse(l.tag.Get("min")); err == nil && !(v >= low) {
		return false
	}
	if high, err := parse(l.tag.Get("max")); err == nil && !(v <= high) {
		return false
	}
	*p = v
	return true
}

// expected describes the values that parse accepts.
func (l leaf) expected() string {
	var what string
	switch l.value.Interface().(type) {
	case bool:
		what = "true or false"
	case []string:
		what = "a list of texts"
	case float64:
		what = "a number"
	case time.Duration:
		what = "a duration"
	case Size:
		what = "a size in bytes, KiB, MiB or GiB"
	case Mode:
		what = "permissions in octal"
	case Concurrency:
		what = "auto, or a whole number from 1 to 10000"
	default:
		what = "a text"
		if words := l.tag.Get("oneof"); words != "" {
			what = "one of " + strings.ReplaceAll(words, ",", ", ")
		}
	}
	low, high := l.tag.Get("min"), l.tag.Get("max")
	switch {
	case high != "":
		what += " between " + low + " and " + high
	case low != "" && low != "0":
		what += " of at least " + low
	}
	return what
}

func (l leaf) forExample() string {
	switch l.value.Interface().(type) {
	case bool, Concurrency:
		return ""
	}
	if l.tag.Get("oneof") != "" {
		return ""
	}
	if s := cmp.Or(l.tag.Get("default"), l.tag.Get("example")); s != "" {
		return ", for example " + s
	}
	return ""
}

// text is the value as it would stand in the file; a list is not a text.
func (l leaf) text() string {
	switch v := l.value.Interface().(type) {
	case string:
		return v
	case Secret:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case time.Duration:
		return durationText(v)
	case Size:
		return v.String()
	case Mode:
		return v.String()
	case Concurrency:
		return v.String()
	}
	return ""
}

// setDefaults gives every setting of the struct v its default.
func setDefaults(v reflect.Value) {
	for l := range leaves(v, "") {
		if text := l.tag.Get("default"); text != "" {
			l.parse(text)
		}
	}
}

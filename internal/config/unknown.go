package config

import (
	"iter"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// unknown reports a key that the section v at path does not have, with the key
// that was probably meant: the nearest one here, the same one elsewhere, or all.
// The key is shown only if it is plainly a word, since a secret that lost its
// quotes can end up as a key.
func (d decoder) unknown(key *yaml.Node, v reflect.Value, path string) {
	if key.Tag == "!!merge" {
		d.mistake(key, path, "merge keys (<<) are not supported; an alias (*name) can stand for a whole group of settings")
		return
	}
	var known []string
	for k := range keys(v) {
		known = append(known, k)
	}
	near := nearest(key.Value, known)
	at := path
	if near != "" || isWord.MatchString(key.Value) {
		at = child(path, key.Value)
	}
	switch {
	case near != "":
		d.failed[child(path, near)] = true // so that it is not reported as missing too
		d.mistake(key, at, "unknown key; did you mean "+near+"?")
	case elsewhere(key.Value) != "":
		d.mistake(key, at, "unknown key here; did you mean "+elsewhere(key.Value)+"?")
	default:
		d.mistake(key, at, "unknown key; known here: "+strings.Join(known, ", "))
	}
}

// isWord has neither capitals nor digits, which a generated secret does not go without.
var isWord = regexp.MustCompile(`^[a-z_]{1,32}$`)

// keys are the keys of the section v, in the order of declaration.
func keys(v reflect.Value) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range v.NumField() {
			if key := v.Type().Field(i).Tag.Get("yaml"); key != "-" && !yield(key) {
				return
			}
		}
	}
}

// elsewhere is the path at which a setting of that key exists, empty if there is none.
func elsewhere(key string) string {
	for l := range declared() {
		if strings.HasSuffix(l.path, "."+key) {
			return l.path
		}
	}
	return ""
}

// declared walks every setting there is, with its default as the value; lists
// have the index left out: environments[].url.
func declared() iter.Seq[leaf] {
	return func(yield func(leaf) bool) {
		c := specimen()
		for l := range leaves(reflect.ValueOf(&c).Elem(), "") {
			l.path = strings.ReplaceAll(l.path, "[0]", "[]")
			if !yield(l) {
				return
			}
		}
	}
}

// specimen has one entry in each list of sections.
func specimen() Config {
	c := defaults()
	c.Environments = []Environment{defaultEnvironment()}
	c.Environments[0].Clients = []Client{{}}
	return c
}

// nearest is the one of known that key is most likely a slip for: tenantId or
// tenent_id for tenant_id. Empty if none is near.
func nearest(key string, known []string) string {
	best, least := "", len(key)
	for _, k := range known {
		d := distance(fold(key), fold(k))
		if d < least && d <= (len(k)+2)/3 {
			best, least = k, d
		}
	}
	return best
}

func fold(key string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(key))
}

// distance counts the insertions, deletions and changes that make a of b, bytes each.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// row is one record. It is never changed: a write puts a new one in its place.
type row struct {
	id         string
	seq        int64 // order of creation
	version    int64
	attributes []attribute
	links      []link // of navigation properties that hold many records
}

// attribute is a column and its value, as the client wrote it.
type attribute struct {
	name  string
	value json.RawMessage
	set   string // of the record that a look-up column names
}

func (r *row) etag() string { return `W/"` + strconv.FormatInt(r.version, 10) + `"` }

func (r *row) get(name string) json.RawMessage {
	for _, a := range r.attributes {
		if a.name == name {
			return a.value
		}
	}
	return nil
}

// with is the row's attributes with others written over them.
func (r *row) with(changes []attribute) []attribute {
	out := slices.Clone(r.attributes)
	for _, change := range changes {
		i := slices.IndexFunc(out, func(a attribute) bool { return a.name == change.name })
		if i < 0 {
			out = append(out, change)
		} else {
			out[i] = change
		}
	}
	return out
}

// primaryKey is the name of a set's key column: accounts -> accountid,
// opportunities -> opportunityid, processes -> processid.
func primaryKey(set string) string { return entityName(set) + "id" }

// entityName is the singular of a set's name.
func entityName(set string) string {
	if stem, ok := strings.CutSuffix(set, "ies"); ok {
		return stem + "y"
	}
	for _, ending := range []string{"sses", "xes", "ches", "shes"} {
		if strings.HasSuffix(set, ending) {
			return strings.TrimSuffix(set, "es")
		}
	}
	return strings.TrimSuffix(set, "s")
}

// rowName is the attribute by which people know a record, "" if there is none.
func rowName(attributes []attribute) string {
	for _, name := range []string{"name", "fullname", "subject", "title", "lastname"} {
		i := slices.IndexFunc(attributes, func(a attribute) bool { return a.name == name })
		if i < 0 {
			continue
		}
		var s string
		if json.Unmarshal(attributes[i].value, &s) == nil && s != "" {
			return s
		}
	}
	return ""
}

// readObject reads a JSON object and keeps the order of its members.
func readObject(body []byte) ([]attribute, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	open, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	if open != json.Delim('{') {
		return nil, errors.New("the body is not a JSON object")
	}
	var out []attribute
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("read a name: %w", err)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, fmt.Errorf("read the value of %v: %w", key, err)
		}
		out = append(out, attribute{name: key.(string), value: value}) // a token in this place is a string
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("read the end of the object: %w", err)
	}
	if dec.InputOffset() < int64(len(bytes.TrimRight(body, " \t\r\n"))) {
		return nil, errors.New("more follows after the object")
	}
	return out, nil
}

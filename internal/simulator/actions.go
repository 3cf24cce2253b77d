package simulator

import (
	"encoding/json"
	"slices"
	"strings"
)

// Messages, in OData's words actions and functions, are those of custom APIs:
// any name of a publisher's prefix, an underscore and a capital. They give back
// their parameters.

// isCustomAPI tells whether a segment calls a custom API: sample_Export.
func isCustomAPI(name string) bool {
	_, rest, ok := strings.Cut(name, "_")
	return ok && isIdentifier(name) && rest != "" && 'A' <= rest[0] && rest[0] <= 'Z'
}

// callAction is POST of an action. It counts as a write under the name of the
// action and of the record that it is given.
func (c *call) callAction() {
	body, refusal := c.readAll()
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	var parameters []attribute
	if len(body) > 0 {
		var err error
		if parameters, err = readObject(body); err != nil {
			c.refuse(badPayload(c.set, err))
			return
		}
	}
	if refusal := c.foreignParameter(parameters); refusal != nil {
		c.refuse(refusal)
		return
	}
	c.executed(parameters)
	c.answerMessage(parameters)
}

// callFunction is GET of a function. Its parameters are in the parentheses, or
// there are aliases for them in the query.
func (c *call) callFunction() {
	parameters, refusal := c.functionParameters()
	if refusal == nil {
		refusal = c.foreignParameter(parameters)
	}
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	c.answerMessage(parameters)
}

func (c *call) answerMessage(parameters []attribute) {
	parameters = slices.DeleteFunc(parameters, func(a attribute) bool { return strings.Contains(a.name, "@") })
	if _, ok := c.preference("respond-async"); ok {
		c.respondAsync(parameters)
		return
	}
	c.writeObject("Microsoft.Dynamics.CRM."+c.set+"Response", func(o *object) {
		for _, a := range parameters {
			o.raw(a.name, a.value)
		}
	})
}

// functionParameters reads (Name=literal,Other=@alias). OData 4.0 URL
// Conventions 5.1.1.13.
func (c *call) functionParameters() ([]attribute, *odataError) {
	var out []attribute
	for _, part := range splitList(c.target.segments[0].key) {
		if part == "" {
			continue
		}
		name, text, _ := strings.Cut(part, "=")
		if strings.HasPrefix(text, "@") {
			alias, ok := c.target.option(text)
			if !ok {
				return nil, badQuery(text, "")
			}
			text = alias
		}
		value, ok := readParameter(text)
		if !ok {
			return nil, badQuery(name, text)
		}
		out = append(out, attribute{name: name, value: value})
	}
	return out, nil
}

// readParameter reads a literal or JSON, in which Dataverse's own samples write
// single quotes for double ones.
func readParameter(text string) (json.RawMessage, bool) {
	if value, ok := readLiteral(text); ok {
		return value, true
	}
	for _, s := range []string{text, strings.ReplaceAll(text, "'", `"`)} {
		if json.Valid([]byte(s)) {
			return json.RawMessage(s), true
		}
	}
	quoted, err := marshal(text) // an enumeration, or a bare URL
	return quoted, err == nil
}

// foreignParameter tells why parameters are refused: a link in them is of
// another environment.
func (c *call) foreignParameter(parameters []attribute) *odataError {
	for _, a := range parameters {
		var value any
		if json.Unmarshal(a.value, &value) != nil {
			continue
		}
		if text, ok := value.(string); ok && strings.Contains(a.name, "@odata.") && c.isElsewhere(text) {
			return foreign(text)
		}
		if text := c.foreignIn(value); text != "" {
			return foreign(text)
		}
	}
	return nil
}

// foreignIn looks for a link of another environment in a value, "" if there is none.
func (c *call) foreignIn(value any) string {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			if text := c.foreignIn(element); text != "" {
				return text
			}
		}
	case map[string]any:
		for key, member := range value {
			if text, ok := member.(string); ok && strings.Contains(key, "@odata.") && c.isElsewhere(text) {
				return text
			}
			if text := c.foreignIn(member); text != "" {
				return text
			}
		}
	}
	return ""
}

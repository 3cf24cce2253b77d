package simulator

import (
	"encoding/json"
	"fmt"
	"strings"
)

const bindSuffix = "@odata.bind"

// bind turns "primarycontactid@odata.bind" into the look-up column
// "_primarycontactid_value", a list of references into links, and drops the
// other annotations. A link among these, such as the @odata.editLink of a
// record that was read, may be of this environment only.
func (c *call) bind(attributes []attribute) ([]attribute, *odataError) {
	var out []attribute
	for _, a := range attributes {
		property, isBind := strings.CutSuffix(a.name, bindSuffix)
		switch {
		case isBind:
			bound, refusal := c.bindOne(property, a)
			if refusal != nil {
				return nil, refusal
			}
			out = append(out, bound...)
		case strings.Contains(a.name, "@"):
			var text string
			if json.Unmarshal(a.value, &text) == nil && strings.Contains(a.name, "@odata.") && c.isElsewhere(text) {
				return nil, badPayload(c.set, fmt.Errorf("%s is not a URL of this environment", text))
			}
		default:
			out = append(out, a)
		}
	}
	return out, nil
}

func (c *call) bindOne(property string, a attribute) ([]attribute, *odataError) {
	var one string
	if json.Unmarshal(a.value, &one) == nil {
		to, refusal := c.resolve(one)
		if refusal != nil {
			return nil, refusal
		}
		return []attribute{lookUp(property, to)}, nil
	}
	var many []string
	if json.Unmarshal(a.value, &many) != nil {
		return nil, badPayload(c.set, fmt.Errorf("%s is neither a string nor a list of strings", a.name))
	}
	for _, text := range many {
		to, refusal := c.resolve(text)
		if refusal != nil {
			return nil, refusal
		}
		c.bound = append(c.bound, link{property, to})
	}
	return nil, nil
}

// lookUp is the column that names the record which a navigation property leads to.
func lookUp(property string, to reference) attribute {
	return attribute{name: "_" + property + "_value", value: json.RawMessage(`"` + to.id + `"`), set: to.set}
}

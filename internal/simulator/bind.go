package simulator

import (
	"encoding/json"
	"fmt"
	"strings"
)

const bindSuffix = "@odata.bind"

// bind turns "primarycontactid@odata.bind" into the look-up column
// "_primarycontactid_value" and drops the other annotations. A reference may
// be relative or absolute, but then it must be of this environment.
func (c *call) bind(attributes []attribute) ([]attribute, *odataError) {
	var out []attribute
	for _, a := range attributes {
		property, isBind := strings.CutSuffix(a.name, bindSuffix)
		switch {
		case !isBind && strings.Contains(a.name, "@"):
			continue
		case !isBind:
			out = append(out, a)
			continue
		}
		var one string
		var many []string
		if json.Unmarshal(a.value, &one) == nil {
			many = []string{one}
		} else if json.Unmarshal(a.value, &many) != nil {
			return nil, badPayload(c.set, fmt.Errorf("%s is neither a string nor a list of strings", a.name))
		}
		for _, reference := range many {
			id, err := c.resolve(reference)
			if err != nil {
				return nil, badPayload(c.set, err)
			}
			if one != "" {
				out = append(out, attribute{"_" + property + "_value", json.RawMessage(`"` + id + `"`)})
			}
		}
	}
	return out, nil
}

// resolve finds the id of the record that a reference names: contacts(guid),
// /contacts(guid) or an absolute URL under this environment's origin.
func (c *call) resolve(reference string) (string, error) {
	local := strings.TrimPrefix(reference, "/")
	if strings.Contains(reference, "://") {
		origin := originOf(reference[:originEnd(reference)])
		if origin != c.t.requestOrigin(c.r) && !c.t.acceptsAudience(origin, c.t.requestOrigin(c.r)) {
			return "", fmt.Errorf("%s is not a URL of this environment", reference)
		}
		local = strings.TrimPrefix(reference[originEnd(reference):], "/")
	}
	if tg, ok := readTarget("/" + local); ok {
		local = strings.TrimPrefix(tg.path[len(apiPrefix)+len(tg.version):], "/")
	}
	s := readSegment(unescape(local, false))
	key, ok := readKey(s.name, s.key)
	if !s.hasKey || !isSetName(s.name) || !ok {
		return "", fmt.Errorf("%s does not name a record", reference)
	}
	if key.id != "" {
		return key.id, nil
	}
	r, refusal := c.t.rows.find(s.name, key)
	if refusal != nil {
		return "", fmt.Errorf("%s: %s", reference, refusal.message)
	}
	return r.id, nil
}

// originEnd is where the origin of an absolute URL ends.
func originEnd(url string) int {
	start := strings.Index(url, "://") + len("://")
	if i := strings.IndexAny(url[start:], "/?#"); i >= 0 {
		return start + i
	}
	return len(url)
}

package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// createV2 is POST to a set. The answer shows all of the record.
func (c *call) createV2() {
	attributes, refusal := c.readBodyV2()
	if refusal != nil {
		c.refuseV2(refusal)
		return
	}
	r, refusal := c.t.rows.create(c.set, c.key.id, attributes, nil)
	if refusal != nil {
		c.refuseV2(refusal)
		return
	}
	c.executed(attributes)
	c.key = rowKey{id: r.id}
	c.w.Header()["Location"] = []string{c.v2URL(reference{c.set, r.id})}
	c.writeV2(http.StatusCreated, func(o *object) { c.recordV2(o.out, r) }, "")
}

// mergeV2 is an update, sent as POST with X-HTTP-Method: MERGE.
func (c *call) mergeV2() {
	attributes, refusal := c.readBodyV2()
	if refusal == nil {
		_, _, refusal = c.t.rows.update(c.set, c.key, condition{ifMatch: "*"}, attributes, nil)
	}
	c.answerV2(attributes, refusal)
}

// removeV2 is DELETE of a record.
func (c *call) removeV2() {
	drain(c.r)
	c.answerV2(nil, c.t.rows.remove(c.set, c.key, condition{}, nil))
}

// associateV2 is POST to $links: {"uri":"..."}.
func (c *call) associateV2() {
	body, refusal := c.readAll()
	var one struct {
		URI string `json:"uri"`
	}
	if refusal == nil && json.Unmarshal(body, &one) != nil {
		refusal = badPayload(c.set, errors.New("the body is not an object with a uri"))
	}
	var to reference
	if refusal == nil {
		to, refusal = c.resolveV2(one.URI)
	}
	if refusal == nil {
		refusal = c.t.rows.associate(c.set, c.key, []link{{c.column, to}}, nil)
	}
	c.answerV2(nil, refusal)
}

// disassociateV2 is DELETE of one of the $links.
func (c *call) disassociateV2() {
	drain(c.r)
	c.answerV2(nil, c.t.rows.disassociate(c.set, c.key, c.column, c.related, nil))
}

func (c *call) answerV2(attributes []attribute, refusal *odataError) {
	if refusal != nil {
		c.refuseV2(refusal)
		return
	}
	c.executed(attributes)
	writeEmpty(c.w, http.StatusNoContent)
}

// resolveV2 finds the record that an absolute URL of the data service names.
func (c *call) resolveV2(uri string) (reference, *odataError) {
	if !strings.Contains(uri, "://") || c.isElsewhere(uri) {
		return reference{}, badPayload(c.set, fmt.Errorf("%q is not a URL of this environment", uri))
	}
	rest, ok := cutPrefixFold(uri[originEnd(uri):], dataServicePath+"/")
	s := readSegment(unescape(rest, false))
	set, isSet := v2Set(s.name)
	key, isKey := v2Key(s.key)
	if !ok || !isSet || !isKey {
		return reference{}, notARecord(c.set, uri)
	}
	_, refusal := c.t.rows.find(set, key)
	return reference{set, key.id}, refusal
}

// readBodyV2 reads the columns of a body: objects with Id are look-ups, those
// with Value are what is in there. What describes the record is dropped, but
// its uri must be of this environment.
func (c *call) readBodyV2() ([]attribute, *odataError) {
	body, refusal := c.readAll()
	if refusal != nil {
		return nil, refusal
	}
	members, err := readObject(body)
	if err != nil {
		return nil, badPayload(c.set, err)
	}
	var out []attribute
	for _, a := range members {
		name := strings.ToLower(a.name)
		var inner struct {
			ID          string          `json:"Id"`
			LogicalName string          `json:"LogicalName"`
			Value       json.RawMessage `json:"Value"`
			URI         string          `json:"uri"`
			Deferred    json.RawMessage `json:"__deferred"`
		}
		isObject := json.Unmarshal(a.value, &inner) == nil && a.value[0] == '{'
		switch {
		case name == "__metadata" && inner.URI != "" && c.isElsewhere(inner.URI):
			return nil, badPayload(c.set, fmt.Errorf("%s is not a URL of this environment", inner.URI))
		case name == "__metadata", inner.Deferred != nil:
		case name == primaryKey(c.set):
			c.key.id = strings.ToLower(unquote(a.value))
		case isObject && isGUID(inner.ID):
			set, ok := v2Set(inner.LogicalName + "Set")
			if !ok {
				return nil, badPayload(c.set, fmt.Errorf("%s has no LogicalName", a.name))
			}
			out = append(out, lookUp(name, reference{set, strings.ToLower(inner.ID)}))
		case isObject && inner.Value != nil:
			out = append(out, attribute{name: name, value: inner.Value})
		default:
			out = append(out, attribute{name: name, value: a.value})
		}
	}
	return out, nil
}

// cutPrefixFold is strings.CutPrefix without regard to case.
func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

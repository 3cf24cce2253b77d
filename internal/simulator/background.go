package simulator

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
)

// operationPath is where the status monitors are, beside the Web API.
const operationPath = "/api/backgroundoperation/"

// States of a background operation: locked is in progress, and canceling.
const (
	stateLocked     = "2"
	stateCompleted  = "3"
	statusCanceling = "22"
	statusSucceeded = "30"
)

// operationTable knows what was done in the background: by its id, what came of it.
type operationTable struct {
	mu      sync.Mutex // guards outputs
	outputs map[string][]attribute
}

func (ot *operationTable) add(outputs []attribute) (id string) {
	id = newGUID()
	ot.mu.Lock()
	defer ot.mu.Unlock()
	ot.outputs[id] = outputs
	return id
}

func (ot *operationTable) find(id string) ([]attribute, bool) {
	ot.mu.Lock()
	defer ot.mu.Unlock()
	outputs, ok := ot.outputs[id]
	return outputs, ok
}

func (ot *operationTable) remove(id string) bool {
	ot.mu.Lock()
	defer ot.mu.Unlock()
	_, ok := ot.outputs[id]
	delete(ot.outputs, id)
	return ok
}

// respondAsync answers before the work is done; it is, in truth. To a client
// that wants to be called back the answer has a body. Nobody is called.
func (c *call) respondAsync(outputs []attribute) {
	id := c.t.operations.add(outputs)
	url := c.t.requestOrigin(c.r) + operationPath + id
	h := c.w.Header()
	h["Location"] = []string{url}
	h[headerOperationID] = []string{id}
	if _, ok := c.preference("odata.callback"); !ok {
		c.applied("respond-async")
		writeEmpty(c.w, http.StatusAccepted)
		return
	}
	c.applied("callback")
	var out bytes.Buffer
	o := newObject(&out)
	o.text("backgroundOperationId", id)
	o.text("location", url)
	o.end()
	writeBody(c.w, c.r, http.StatusAccepted, contentType(c.r), out.Bytes())
}

// serveOperation answers for a status monitor. It is no part of the Web API: no
// context, and JSON without parameters.
func (c *call) serveOperation(id string) {
	outputs, ok := c.t.operations.find(strings.ToLower(id))
	switch {
	case c.r.Method != http.MethodGet && c.r.Method != http.MethodHead && c.r.Method != http.MethodDelete:
		allow(c.w.Header(), "DELETE,GET,HEAD")
		c.refuse(wrongMethod(c.r.Method))
		return
	case !ok:
		c.refuse(&odataError{http.StatusNotFound, "0x80060891", "Could not find item '" + id + "'."})
		return
	}
	state, status := stateCompleted, statusSucceeded
	if c.r.Method == http.MethodDelete {
		drain(c.r)
		c.t.operations.remove(strings.ToLower(id))
		state, status, outputs = stateLocked, statusCanceling, nil
	}
	var out bytes.Buffer
	o := newObject(&out)
	o.raw("backgroundOperationStateCode", []byte(state))
	o.raw("backgroundOperationStatusCode", []byte(status))
	for _, a := range outputs {
		o.raw(a.name, a.value)
	}
	o.end()
	writeBody(c.w, c.r, http.StatusOK, "application/json", out.Bytes())
}

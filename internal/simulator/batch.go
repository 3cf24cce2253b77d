package simulator

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	// mostInBatch is how many requests a batch may have.
	mostInBatch = 1000
	// longestTarget is the longest URL of a request in a batch.
	longestTarget = 64 << 10

	continueOnError = "odata.continue-on-error"
)

// batch is POST of $batch: requests in a multipart body, and their answers in
// one. The requests are carried out in order, up to the first that fails unless
// the client prefers otherwise; a batch that cannot be read is refused whole.
func (c *call) batch() {
	body, refusal := c.readAll()
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	parts, err := readBatch(c.r.Header.Get("Content-Type"), body)
	if err != nil {
		c.refuse(badBatch("%v", err))
		return
	}
	_, goOn := c.preference(continueOnError)
	if goOn {
		c.applied(continueOnError)
	}
	status, answer := http.StatusOK, newBatchAnswer()
	for _, part := range parts {
		done := c.performAll(part)
		answer.add(part, done)
		if done[0].status >= http.StatusBadRequest && !goOn {
			status = http.StatusBadRequest
			break
		}
	}
	writeBody(c.w, c.r, status, "multipart/mixed; boundary="+answer.boundary, answer.end())
}

// performAll carries out a part of a batch. It returns an answer for each
// operation, or the one answer that says why none of them was done.
func (c *call) performAll(part batchPart) []*performed {
	if !part.changeSet {
		return []*performed{c.perform(part.operations[0], nil)}
	}
	changes := &changeSet{created: map[string]string{}}
	var all []*performed
	for _, op := range part.operations {
		done := c.perform(op, changes)
		if done.status >= http.StatusBadRequest {
			c.t.rows.rollBack(&changes.journal)
			return []*performed{done}
		}
		all = append(all, done)
	}
	for _, e := range changes.executed {
		c.t.stats.executed(e.set, e.name, e.requestID)
	}
	return all
}

// changeSet is what the operations of a change set share.
type changeSet struct {
	journal  journal
	created  map[string]string // by Content-ID, the path of the record
	executed []execution       // counted once all is done
}

// execution is a write that was done.
type execution struct{ set, name, requestID string }

// performed is an operation and its answer.
type performed struct {
	*unsent
	contentID string
	names     bool // the answer names the record in Location and OData-EntityId
}

// perform carries out one operation as if it had come by itself.
func (c *call) perform(op operation, changes *changeSet) *performed {
	done := &performed{unsent: newUnsent(), contentID: op.contentID}
	done.names = op.method == http.MethodPost || op.method == http.MethodPatch
	inner := &call{t: c.t, w: done, inner: true, changes: changes}
	inner.r = (&http.Request{
		Method: op.method, Header: op.header, Host: c.r.Host, TLS: c.r.TLS, ContentLength: int64(len(op.body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: io.NopCloser(strings.NewReader(op.body)),
	}).WithContext(c.r.Context())
	target, refusal := c.innerTarget(op, changes)
	if refusal != nil {
		inner.refuse(refusal)
		return done
	}
	inner.r.RequestURI = target
	inner.serve()
	if changes != nil && op.contentID != "" && done.status < http.StatusBadRequest {
		changes.created[op.contentID] = inner.entityPath()
	}
	return done
}

// innerTarget is the target of an operation with its path from the root: the
// request line may have it so, or absolute, relative to the batch, or as a
// reference to an earlier operation of the change set.
func (c *call) innerTarget(op operation, changes *changeSet) (string, *odataError) {
	if changes != nil && (op.method == http.MethodGet || op.method == http.MethodHead) {
		return "", &odataError{400, codeBatch, "The HTTP method '" + op.method + "' is not allowed in a change set: it changes nothing."}
	}
	if len(op.target) > longestTarget {
		return "", &odataError{400, codeBatch, fmt.Sprintf("The URL of a request in a batch is longer than %d characters.", longestTarget)}
	}
	if host := op.header.Get("Host"); host != "" && !c.t.isOwn(c.scheme()+host, c.r) {
		return "", foreign(host)
	}
	switch {
	case op.target[0] == '/':
		return op.target, nil
	case op.target[0] == '$' && !strings.HasPrefix(op.target, "$batch") && !strings.HasPrefix(op.target, "$metadata"):
		end := strings.IndexAny(op.target, "/?")
		if end < 0 {
			end = len(op.target)
		}
		path, ok := changes.path(op.target[:end])
		if !ok {
			return "", unknownContentID(op.target[:end])
		}
		return path + op.target[end:], nil
	case originOf(op.target) != "":
		if !c.t.isOwn(op.target[:originEnd(op.target)], c.r) {
			return "", foreign(op.target)
		}
		return op.target[originEnd(op.target):], nil
	}
	return c.target.path[:len(apiPrefix)] + c.target.version + "/" + op.target, nil
}

// path is where a reference such as $1 leads to.
func (cs *changeSet) path(reference string) (string, bool) {
	if cs == nil {
		return "", false
	}
	path, ok := cs.created[strings.TrimPrefix(reference, "$")]
	return path, ok
}

// entityPath is the path of the record that was written.
func (c *call) entityPath() string {
	if url := c.w.Header()[headerEntityID]; len(url) > 0 {
		return url[0][originEnd(url[0]):]
	}
	return c.target.path
}

const codeBatch = "0x80060888"

func badBatch(format string, args ...any) *odataError {
	return &odataError{400, codeBatch, "The batch cannot be read: " + fmt.Sprintf(format, args...)}
}

func unknownContentID(reference string) *odataError {
	return &odataError{400, codeBatch, "Content-ID Reference: '" + reference + "' does not exist in the batch context."}
}

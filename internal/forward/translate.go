package forward

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"

	"dvproxy/internal/odata"
)

// translate lets the links of a request lead to upstream and those of an
// answer to the proxy, and gives the answer the coding and the length that the
// client can read. It comes after retry, so that a short answer that breaks
// off is one that did not come.
type translate struct {
	next  http.RoundTripper
	gzips gzipPool
}

// RoundTrip implements [http.RoundTripper].
func (t *translate) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	x := exchangeOf(ctx)
	if x.mapped && r.ContentLength > 0 {
		// A mapped body has its new length once all of it has been read.
		// Upstream is told one since not every server takes chunks.
		if err := x.fill(ctx); err != nil {
			return nil, err
		}
		counted := *r
		counted.ContentLength = x.body.length()
		r = &counted
	}
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if err := t.answer(resp, x); err != nil {
		_ = resp.Body.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, &transportError{err: err, sent: true}
	}
	return resp, nil
}

// mapBody returns a request's body with its links mapped. A body with a coding
// stays as it is.
func (x *exchange) mapBody(r *http.Request) io.Reader {
	if codingOf(r.Header) != identity {
		return r.Body
	}
	links := x.links.Request(odata.Message{ContentType: r.Header.Get("Content-Type"), Target: x.target})
	if links == nil {
		return r.Body
	}
	x.mapped = true
	return links.Reader(r.Body)
}

// answer translates an answer. The error is upstream's: nothing has gone to
// the client yet.
func (t *translate) answer(resp *http.Response, x *exchange) error {
	for name, values := range resp.Header {
		for i, value := range values {
			values[i] = x.links.Header(name, value)
		}
	}
	a := answer{
		Response: resp, view: x.links,
		message: odata.Message{ContentType: resp.Header.Get("Content-Type"), Target: x.target, Status: resp.StatusCode},
	}
	if coding := codingOf(resp.Header); coding != otherCoding && !isRange(resp) {
		a.links = a.view.Response(a.message)
		if coding == gzipCoding && (a.links != nil || !x.gzip) {
			a.gzip = t.gzips.reader(resp.Body)
		}
	}
	if !a.changes() && (resp.ContentLength > short || resp.ContentLength < 0 && !x.http10) {
		return nil
	}
	if hasNoBody(resp) { // but headers of the one that a GET would be answered with
		if a.changes() {
			a.sendAs(nil, unknown)
		}
		return nil
	}
	if x.http10 || 0 <= resp.ContentLength && resp.ContentLength <= short {
		return a.whole()
	}
	a.stream(resp.Body)
	return nil
}

// isRange says whether the bytes of an answer are a range out of others, which
// cannot be read by themselves. A 206 that does not say which bytes it has is
// none: so Dataverse answers with a part of a file, in JSON that is whole.
// RFC 9110 15.3.7.
func isRange(resp *http.Response) bool {
	const byRanges = "multipart/byteranges" // each part says which it has
	kind := resp.Header.Get("Content-Type")
	return resp.StatusCode == http.StatusPartialContent && (resp.Header["Content-Range"] != nil ||
		len(kind) >= len(byRanges) && strings.EqualFold(kind[:len(byRanges)], byRanges))
}

// hasNoBody says whether an answer has no body, whatever its header says of one.
// RFC 9110 6.4.1.
func hasNoBody(resp *http.Response) bool {
	return resp.Request != nil && resp.Request.Method == http.MethodHead || resp.StatusCode < 200 ||
		resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusNotModified
}

// An answer is one of upstream's, with what is done to its body.
type answer struct {
	*http.Response
	view    *odata.View
	message odata.Message
	links   *odata.Stream // nil: there are none to map, or the bytes are not ones we can read
	gzip    *gzipBody     // nil: the body is not decoded
}

// changes says whether the client gets other bytes than upstream sent.
func (a *answer) changes() bool { return a.links != nil || a.gzip != nil }

// stream sends what upstream sent, changed, as it comes.
func (a *answer) stream(sent io.Reader) { a.sendAs(a.changed(sent), unknown) }

// changed is what becomes of the bytes that upstream sent.
func (a *answer) changed(sent io.Reader) io.Reader {
	if a.gzip != nil {
		a.gzip.reset(sent)
		sent = a.gzip
	}
	if a.links != nil {
		sent = a.links.Reader(sent)
	}
	return sent
}

const unknown = -1 // length of a body

// sendAs gives the answer another body, nil for the one it has, and the header
// fields that fit. ETag and Vary stay: they tell of the resource, and ETag is
// what the client sends back.
func (a *answer) sendAs(body io.Reader, length int64) {
	if body != nil {
		a.Body = &replacedBody{body, a.gzip, a.Body}
	}
	a.ContentLength = length
	delete(a.Header, "Content-Length")
	if length >= 0 {
		a.Header["Content-Length"] = []string{strconv.FormatInt(length, 10)}
	}
	if a.gzip != nil {
		delete(a.Header, "Content-Encoding")
	}
	if a.changes() {
		for _, ofTheBytes := range []string{"Accept-Ranges", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest"} {
			delete(a.Header, ofTheBytes)
		}
	}
}

// A replacedBody is read in place of upstream's, and closes that.
type replacedBody struct {
	io.Reader
	gzip     *gzipBody // nil if there is none
	upstream io.Closer
}

// Close closes upstream's body.
func (b *replacedBody) Close() error {
	if b.gzip != nil {
		b.gzip.close()
	}
	return b.upstream.Close()
}

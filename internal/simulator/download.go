package simulator

import (
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// continuation is the query option by which the rest of a file is asked for.
const continuation = "FileContinuationToken"

// downloadFile is GET of a file column's $value: the bytes themselves.
func (c *call) downloadFile() {
	r, refusal := c.t.rows.find(c.set, c.key)
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	f := c.t.rows.getFile(fileKey{c.set, r.id, c.column})
	if f == nil {
		c.refuse(noFile(c.column, r.id))
		return
	}
	offset, n, status, refusal := c.part(f)
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	c.fileHeaders(f, status)
	h := c.w.Header()
	h["Content-Type"] = []string{"application/octet-stream"}
	h["Content-Length"] = []string{strconv.FormatInt(n, 10)}
	c.w.WriteHeader(status)
	io.Copy(c.w, f.content(offset, n))
}

// readFile is GET of a file column itself: the bytes in Base64, as the value of
// a JSON answer. Where more is to come, Location says how to go on.
func (c *call) readFile(r *row, f *storedFile) {
	offset, n, status, refusal := c.part(f)
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	if token, ok := c.target.rawOption(continuation); ok && token != continuationToken(f) {
		c.refuse(&odataError{http.StatusBadRequest, codeFile, "The FileContinuationToken is not of this file."})
		return
	}
	c.fileHeaders(f, status)
	h := c.w.Header()
	url := c.urlOf(reference{c.set, r.id}) + "/" + c.column
	if status == http.StatusPartialContent {
		h["Location"] = []string{url + "?" + continuation + "=" + continuationToken(f)}
	}
	before := `{"@odata.context":"` + c.base() + "$metadata#" + c.set + "(" + r.id + ")/" + c.column + `","value":"`
	const after = `"}`
	h["Content-Type"] = []string{contentType(c.r)}
	h["Content-Length"] = []string{strconv.FormatInt(int64(len(before)+len(after))+(n+2)/3*4, 10)}
	c.w.WriteHeader(status)
	io.WriteString(c.w, before)
	enc := base64.NewEncoder(base64.StdEncoding, c.w)
	io.Copy(enc, f.content(offset, n))
	enc.Close()
	io.WriteString(c.w, after)
}

// continuationToken is opaque to clients.
func continuationToken(f *storedFile) string { return f.sha256[:24] + "%2b%3d" }

func noFile(column, id string) *odataError {
	return &odataError{http.StatusNotFound, "0x80060888", "No file attachment found for attribute: " + column + " EntityId: " + id + "."}
}

func (c *call) fileHeaders(f *storedFile, status int) {
	h := c.w.Header()
	h["Content-Disposition"] = []string{`attachment; filename="` + f.name + `"`}
	h["x-ms-file-name"] = []string{f.name}
	h["x-ms-file-size"] = []string{strconv.FormatInt(f.length, 10)}
	h["mimetype"] = []string{"application/octet-stream"}
	h["Access-Control-Expose-Headers"] = []string{"x-ms-file-size; x-ms-file-name; mimetype"}
	if status == http.StatusPartialContent {
		h[headerChunkSize] = []string{strconv.FormatInt(c.t.opts.ChunkSize, 10)}
	}
}

// part is what of a file was asked for. The answer to a range has no
// Content-Range, as in the published samples. A header that is no single range
// counts as none. RFC 9110 14.2.
func (c *call) part(f *storedFile) (offset, n int64, status int, refusal *odataError) {
	spec, isRange := strings.CutPrefix(c.r.Header.Get("Range"), "bytes=")
	from, to, dash := strings.Cut(spec, "-")
	first, errFirst := strconv.ParseInt(from, 10, 64)
	last, errLast := strconv.ParseInt(to, 10, 64)
	switch {
	case from == "" && errLast == nil: // the last bytes
		first, last = max(0, f.length-last), f.length-1
	case to == "":
		last = f.length - 1
	case errLast != nil:
		isRange = false
	}
	if !isRange || !dash || from != "" && errFirst != nil || first < 0 || last < first && first < f.length {
		return 0, f.length, http.StatusOK, nil
	}
	if first >= f.length {
		return 0, 0, 0, &odataError{http.StatusRequestedRangeNotSatisfiable, codeFile, "The range begins beyond the end of the file."}
	}
	return first, min(last, f.length-1) - first + 1, http.StatusPartialContent, nil
}

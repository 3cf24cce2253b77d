package simulator

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

const (
	headerChunkSize = "x-ms-chunk-size"
	codeFile        = "0x80048d19"
)

// patchColumn is PATCH of a file column: with the whole file, the beginning of
// an upload in blocks, or one of its blocks.
func (c *call) patchColumn() {
	r, refusal := c.t.rows.find(c.set, c.key)
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	key := fileKey{c.set, r.id, c.column}
	_, isBlock := c.target.rawOption("sessiontoken")
	switch {
	case isBlock:
		c.uploadBlock(key)
	case strings.EqualFold(c.r.Header.Get("x-ms-transfer-mode"), "chunked"):
		c.beginUpload(key)
	default:
		c.uploadFile(key)
	}
}

// fileName is the name of the file that is uploaded; the header wins.
func (c *call) fileName() (string, *odataError) {
	name := c.r.Header.Get("x-ms-file-name")
	if name == "" {
		name, _ = c.target.option("x-ms-file-name")
	}
	if name == "" {
		return "", &odataError{http.StatusBadRequest, codeFile, "The file name is missing: send x-ms-file-name."}
	}
	return name, nil
}

// uploadFile takes the whole file. The body is hashed as it comes.
func (c *call) uploadFile(key fileKey) {
	name, refusal := c.fileName()
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	rc := newReceiver(name, c.t.opts.KeptFile)
	if _, err := io.Copy(rc, c.r.Body); err != nil {
		c.refuse(badPayload(c.set, err))
		return
	}
	c.t.rows.setFile(key, rc.file(), c.journal())
	c.executed(nil)
	writeEmpty(c.w, http.StatusNoContent)
}

// upload is a file that comes in blocks.
type upload struct {
	mu    sync.Mutex // guards what follows
	key   fileKey
	to    *receiver
	total int64 // zero until the first block says it
	ended bool
}

// uploadTable knows the sessions that were begun, by their token as it stands
// in the URL: a client must send the URL back as it got it.
type uploadTable struct {
	mu       sync.Mutex // guards sessions
	sessions map[string]*upload
}

func (u *uploadTable) begin(key fileKey, to *receiver) (token string) {
	// Base64 that is escaped in lower case, so that it shows who decodes it.
	token = strings.ReplaceAll(newGUID(), "-", "%2b") + "%2f" + newGUID()[:8] + "%3d%3d"
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sessions[token] = &upload{key: key, to: to}
	return token
}

func (u *uploadTable) find(token string) *upload {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.sessions[token]
}

func (c *call) beginUpload(key fileKey) {
	drain(c.r)
	name, refusal := c.fileName()
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	token := c.t.uploads.begin(key, newReceiver(name, c.t.opts.KeptFile))
	h := c.w.Header()
	h["Accept-Ranges"] = []string{"bytes"}
	h["Location"] = []string{c.urlOf(reference{c.set, key.id}) + "/" + c.column + "?sessiontoken=" + token}
	h[headerChunkSize] = []string{strconv.FormatInt(c.t.opts.ChunkSize, 10)}
	h["Access-Control-Expose-Headers"] = []string{headerChunkSize}
	writeEmpty(c.w, http.StatusOK)
}

// uploadBlock takes the next block of a file. Blocks come in order, each once;
// the last one puts the file in its column, and counts as the write.
func (c *call) uploadBlock(key fileKey) {
	token, _ := c.target.rawOption("sessiontoken")
	u := c.t.uploads.find(token)
	if u == nil || u.key != key {
		c.refuse(badBlock(http.StatusNotFound, "There is no upload with this session token."))
		return
	}
	block, err := io.ReadAll(io.LimitReader(c.r.Body, c.t.opts.ChunkSize+1))
	if err != nil {
		c.refuse(badPayload(c.set, err))
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if refusal := u.take(block, c.r.Header.Get("Content-Range"), c.t.opts.ChunkSize); refusal != nil {
		c.refuse(refusal)
		return
	}
	if !u.ended {
		writeEmpty(c.w, http.StatusPartialContent)
		return
	}
	c.t.rows.setFile(key, u.to.file(), c.journal())
	c.executed(nil)
	writeEmpty(c.w, http.StatusNoContent)
}

// take adds a block, if it is the one that is due.
func (u *upload) take(block []byte, contentRange string, chunk int64) *odataError {
	first, last, total, ok := readContentRange(contentRange)
	n := int64(len(block))
	switch {
	case !ok || last-first+1 != n || last >= total:
		return badBlock(http.StatusBadRequest, fmt.Sprintf("The Content-Range %q does not fit a block of %d bytes.", contentRange, n))
	case u.total != 0 && total != u.total:
		return badBlock(http.StatusBadRequest, fmt.Sprintf("The file has %d bytes, said another block.", u.total))
	case u.ended || first != u.to.length:
		return badBlock(http.StatusRequestedRangeNotSatisfiable, fmt.Sprintf("The block at %d is not due: %d bytes are there.", first, u.to.length))
	case n > chunk || n < chunk && last != total-1:
		return badBlock(http.StatusBadRequest, fmt.Sprintf("A block has %d bytes, all but the last.", chunk))
	}
	u.total = total
	u.to.Write(block)
	u.ended = u.to.length == total
	return nil
}

func badBlock(status int, message string) *odataError { return &odataError{status, codeFile, message} }

// readContentRange reads "bytes 0-4194303/25870370". RFC 9110 14.4.
func readContentRange(s string) (first, last, total int64, ok bool) {
	var more string // a number that has something after it is none
	n, _ := fmt.Sscanf(s, "bytes %d-%d/%d%s", &first, &last, &total, &more)
	return first, last, total, n == 3 && 0 <= first && first <= last
}

// rawOption is the value of a query option as it came.
func (tg target) rawOption(name string) (value string, ok bool) {
	for part := range strings.SplitSeq(tg.query, "&") {
		if key, raw, _ := strings.Cut(part, "="); key == name {
			return raw, true
		}
	}
	return "", false
}

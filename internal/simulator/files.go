package simulator

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
)

// keptOfFile is how much of a file is kept to be downloaded again; of a larger
// one there is only its length and its hash.
const keptOfFile = 1 << 20

type fileKey struct{ set, id, column string }

// storedFile is what is known of a file in a file column.
type storedFile struct {
	name   string
	length int64
	sha256 string
	kept   []byte // the whole file, or nil if it was too large
}

// setFile puts a file in its column, or nil to empty it, and tells whether there
// was one before.
func (s *store) setFile(key fileKey, f *storedFile, j *journal) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f == nil && s.files[key] == nil {
		return false
	}
	return s.keep(key, f, j)
}

func (s *store) keep(key fileKey, f *storedFile, j *journal) bool {
	old, ok := s.files[key]
	if f == nil {
		delete(s.files, key)
	} else {
		s.files[key] = f
	}
	j.add(func() { s.keep(key, old, nil) })
	return ok
}

func (s *store) getFile(key fileKey) *storedFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files[key]
}

// uploadFile is PATCH of a file column with the whole file as its body. The
// body is hashed as it comes and never held.
func (c *call) uploadFile() {
	r, refusal := c.t.rows.find(c.set, c.key)
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	name := c.r.Header.Get("x-ms-file-name")
	if name == "" {
		name, _ = c.target.option("x-ms-file-name")
	}
	if name == "" {
		c.refuse(&odataError{http.StatusBadRequest, "0x80048d19", "The file name is missing: send x-ms-file-name."})
		return
	}
	kept := &firstBytes{room: keptOfFile + 1}
	hash := sha256.New()
	length, err := io.Copy(io.MultiWriter(hash, kept), c.r.Body)
	if err != nil {
		c.refuse(badPayload(c.set, err))
		return
	}
	f := &storedFile{name: name, length: length, sha256: hex.EncodeToString(hash.Sum(nil))}
	if length <= keptOfFile {
		f.kept = kept.buf.Bytes()
	}
	c.t.rows.setFile(fileKey{c.set, r.id, c.column}, f, c.journal())
	c.executed(nil)
	writeEmpty(c.w, http.StatusNoContent)
}

// downloadFile is GET of a file column. A file that was too large to keep
// comes back as so many zero bytes.
func (c *call) downloadFile() {
	r, refusal := c.t.rows.find(c.set, c.key)
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	f := c.t.rows.getFile(fileKey{c.set, r.id, c.column})
	if f == nil {
		c.refuse(&odataError{http.StatusNotFound, "0x80060888", "No file attachment found for attribute: " + c.column + " EntityId: " + r.id + "."})
		return
	}
	h := c.w.Header()
	h["Content-Type"] = []string{"application/octet-stream"}
	h["Content-Disposition"] = []string{`attachment; filename="` + f.name + `"`}
	h["Content-Length"] = []string{strconv.FormatInt(f.length, 10)}
	h["x-ms-file-name"] = []string{f.name}
	h["x-ms-file-size"] = []string{strconv.FormatInt(f.length, 10)}
	h["mimetype"] = []string{"application/octet-stream"}
	h["Access-Control-Expose-Headers"] = []string{"x-ms-file-size; x-ms-file-name; mimetype"}
	c.w.WriteHeader(http.StatusOK)
	if f.kept != nil || f.length == 0 {
		c.w.Write(f.kept)
		return
	}
	io.CopyN(c.w, zeros{}, f.length)
}

// firstBytes keeps what comes first and drops the rest.
type firstBytes struct {
	buf  bytes.Buffer
	room int
}

func (k *firstBytes) Write(p []byte) (int, error) {
	n := min(len(p), k.room)
	k.buf.Write(p[:n])
	k.room -= n
	return len(p), nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// StoredFile tells what the environment has in a file column.
type StoredFile struct {
	Name   string `json:"name"`
	Length int64  `json:"length"`
	SHA256 string `json:"sha256"`
}

// File looks up the file in a column of the record with this id.
func (t *Tenant) File(set, id, column string) (StoredFile, bool) {
	f := t.rows.getFile(fileKey{set, id, column})
	if f == nil {
		return StoredFile{}, false
	}
	return StoredFile{f.name, f.length, f.sha256}, true
}

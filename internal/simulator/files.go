package simulator

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
)

type fileKey struct{ set, id, column string }

// storedFile is what is known of a file in a file column.
type storedFile struct {
	name   string
	length int64
	sha256 string
	kept   []byte // the whole file, or nil if it was too large
}

// content is the file from offset on, n bytes of it.
func (f *storedFile) content(offset, n int64) io.Reader {
	if f.kept == nil {
		return io.LimitReader(zeros{}, n)
	}
	return bytes.NewReader(f.kept[offset : offset+n])
}

// receiver takes a file in as it comes: it hashes all of it and keeps it if it
// is not too large.
type receiver struct {
	name   string
	limit  int64
	length int64
	hash   hash.Hash
	kept   bytes.Buffer
}

func newReceiver(name string, limit int64) *receiver {
	return &receiver{name: name, limit: limit, hash: sha256.New()}
}

func (rc *receiver) Write(p []byte) (int, error) {
	rc.hash.Write(p)
	rc.length += int64(len(p))
	if room := rc.limit - int64(rc.kept.Len()); room > 0 {
		rc.kept.Write(p[:min(int64(len(p)), room)])
	}
	return len(p), nil
}

func (rc *receiver) file() *storedFile {
	f := &storedFile{name: rc.name, length: rc.length, sha256: hex.EncodeToString(rc.hash.Sum(nil))}
	if rc.length <= rc.limit {
		f.kept = rc.kept.Bytes()
	}
	return f
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

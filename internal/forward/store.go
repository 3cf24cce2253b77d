package forward

import (
	"io"
	"os"
	"slices"
)

// A store is what is kept of a body, in three parts that follow one another:
// a head in memory, then a temporary file, then at most one chunk that neither
// had room for.
type store struct {
	expect int64 // declared length of the body, -1 if unknown
	head   []byte
	file   *os.File
	filed  int64
	beside []byte
}

// remember adds a chunk to the head, if there is room for it.
func (s *store) remember(k *keeping, chunk []byte) bool {
	need := len(s.head) + len(chunk)
	if s.file != nil || int64(need) > k.memory {
		return false
	}
	if need > cap(s.head) {
		want := min(max(int64(2*need), s.expect), k.memory)
		if s.expect >= int64(need) {
			want = min(s.expect, k.memory)
		}
		if !k.budget.take(want - int64(cap(s.head))) {
			return false
		}
		grown := make([]byte, len(s.head), want)
		copy(grown, s.head)
		s.head = grown
	}
	s.head = append(s.head, chunk...)
	return true
}

// keepBeside adds the last chunk, for which no room was left.
func (s *store) keepBeside(chunk []byte) { s.beside = slices.Clone(chunk) }

// at copies what is stored at an offset and returns its length. Where that is
// in the file, it returns a reader of it instead, to be read without a lock.
func (s *store) at(p []byte, offset int64) (int, io.Reader) {
	if offset < int64(len(s.head)) {
		return copy(p, s.head[offset:]), nil
	}
	offset -= int64(len(s.head))
	if offset < s.filed {
		n := min(int64(len(p)), s.filed-offset)
		return int(n), io.NewSectionReader(s.file, offset, n)
	}
	return copy(p, s.beside[offset-s.filed:]), nil
}

// drop gives everything back.
func (s *store) drop(k *keeping) {
	k.budget.give(int64(cap(s.head)))
	if s.file != nil {
		_ = s.file.Close() // which also removes it
	}
	*s = store{}
}

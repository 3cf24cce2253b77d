package odata

// finder finds the strings of a JSON text that stand in link position. It sees
// the text in chunks, cut anywhere.
type finder interface {
	// next returns the index of the first byte of the next such string whose
	// opening quote is at from or after it in chunk, or -1. It may leave out
	// strings that begin unlike a link of any origin. Calls for one chunk go
	// on from where the last one ended.
	next(chunk []byte, from int) int

	// leave is called at the end of a chunk, of which nothing after seen has
	// been given to next.
	leave(chunk []byte, seen int)

	// pass notes bytes, all within one string, that next has not been given.
	pass(b []byte)
}

// tally is what has been done to one message so far.
type tally struct {
	mapped int // links
	drift  int // bytes by which the output is longer than the input
}

// jsonStage maps the links of a JSON text that flows through it.
type jsonStage struct {
	swap  *swap
	tally *tally
	find  finder

	// A string in link position has begun and may or may not be a link: hold
	// is what has been seen of it, at most swap.reach bytes, and not yet written.
	open bool
	hold []byte
}

// append maps the links in src, appends what can be told to dst and returns it.
func (j *jsonStage) append(dst, src []byte) []byte {
	done := 0 // src[:done] has been written
	if j.open {
		dst, done = j.resume(dst, src)
		if j.open {
			return dst
		}
	}
	for at := 0; ; {
		at = j.find.next(src, at)
		if at < 0 {
			j.find.leave(src, len(src))
			return append(dst, src[done:]...)
		}
		n, sp, v := matchAny(j.swap.from, src[at:], inJSON)
		switch v {
		case yes:
			dst = append(dst, src[done:at]...)
			dst = j.replace(dst, n, sp)
			done = at + n
		case more:
			dst = append(dst, src[done:at]...)
			j.hold = append(j.hold[:0], src[at:]...)
			j.open = true
			j.find.leave(src, at)
			return dst
		}
	}
}

// resume decides about the string in hold, now that src follows. It returns
// how much of src has been written, and leaves j.open if that is all of it and
// still too little to tell.
func (j *jsonStage) resume(dst, src []byte) (out []byte, done int) {
	had := len(j.hold)
	j.hold = append(j.hold, src[:min(len(src), j.swap.reach)]...)
	n, sp, v := matchAny(j.swap.from, j.hold, inJSON)
	if v == more && len(j.hold)-had == len(src) {
		return dst, len(src)
	}
	j.open = false
	j.find.pass(j.hold[:had])
	if v != yes {
		return append(dst, j.hold[:had]...), 0
	}
	dst = j.replace(dst, n, sp)
	if n < had {
		return append(dst, j.hold[n:had]...), 0
	}
	return dst, n - had
}

// replace writes the other origin in place of the n bytes spelt like sp.
func (j *jsonStage) replace(dst []byte, n int, sp spelling) []byte {
	to := j.swap.json(sp)
	j.tally.mapped++
	j.tally.drift += len(to) - n
	return append(dst, to...)
}

// flush appends what is held at the end of the text.
func (j *jsonStage) flush(dst []byte) []byte {
	if !j.open {
		return dst
	}
	j.open = false
	return append(dst, j.hold...)
}

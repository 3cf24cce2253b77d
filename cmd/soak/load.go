package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

const (
	jsonType  = "application/json"
	batchType = "multipart/mixed; boundary=b"
)

// work is one client: it sends one request after the other until ctx ends.
func (st *stage) work(ctx context.Context, random *rand.Rand) {
	for ctx.Err() == nil {
		st.gate.RLock()
		st.write(ctx, st.next(random))
		st.gate.RUnlock()
		st.wait(ctx, 15*time.Millisecond)
	}
}

// next is what a client does now.
func (st *stage) next(random *rand.Rand) request {
	name := st.name("w")
	row := fmt.Sprintf(`{"name":%q,"note":%q}`, name, strings.Repeat("x", random.IntN(4000)))
	id := fmt.Sprintf("00000000-0000-4000-8000-%012x", random.Uint64()&(1<<40-1))
	switch random.IntN(8) {
	case 0, 1:
		return st.create("creates")
	case 2:
		return request{method: http.MethodPatch, path: "accounts(" + id + ")", kind: jsonType, body: row, keys: []string{"accounts/" + name}}
	case 3:
		return st.batch()
	case 4: // large enough to leave the memory for a file
		body := fmt.Sprintf(`{"name":%q,"document":%q}`, name, strings.Repeat("d", 300<<10))
		return request{method: http.MethodPost, path: "annotations", kind: jsonType, body: body, keys: []string{"annotations/" + name}}
	case 5:
		return request{method: http.MethodGet, path: "WhoAmI"}
	default:
		return request{method: http.MethodGet, path: "accounts?$select=name&$top=5"}
	}
}

func (st *stage) create(what string) request {
	name := st.name(what)
	body := fmt.Sprintf(`{"name":%q,"note":%q}`, name, strings.Repeat("y", 500))
	return request{method: http.MethodPost, path: "accounts", kind: jsonType, body: body, keys: []string{"accounts/" + name}}
}

// batch is a change set of two rows.
func (st *stage) batch() request {
	r := request{method: http.MethodPost, path: "$batch", kind: batchType}
	var b strings.Builder
	b.WriteString("--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n")
	for n := range 2 {
		name := st.name("batch")
		r.keys = append(r.keys, "contacts/"+name)
		fmt.Fprintf(&b, "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: %d\r\n\r\n", n+1)
		fmt.Fprintf(&b, "POST %scontacts HTTP/1.1\r\nContent-Type: application/json; type=entry\r\n\r\n{\"fullname\":%q}\r\n", apiPath, name)
	}
	b.WriteString("--c--\r\n\r\n--b--\r\n")
	r.body = b.String()
	return r
}

// write sends a request and puts down what came of it, and in which acts.
func (st *stage) write(ctx context.Context, r request) {
	r.id = st.name("read")
	if len(r.keys) > 0 {
		_, r.id, _ = strings.Cut(r.keys[0], "/")
	}
	from := st.book.act()
	a := st.send(ctx, r)
	if ctx.Err() != nil || r.leaves {
		st.book.left(r, from)
		return
	}
	st.book.done(r, a, from)
}

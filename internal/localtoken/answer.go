package localtoken

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// requestID is the header that names an answer, spelt as Entra does.
const requestID = "x-ms-request-id"

// handler makes one of a function that returns what to answer.
func (i *Issuer) handler(answer func(http.ResponseWriter, *http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stamp(w, r)
		body, err := answer(w, r)
		var refusal entraError
		switch {
		case errors.As(err, &refusal):
			writeError(w, r, refusal)
		case err != nil:
			panic(err) // all of ours are
		default:
			writeJSON(w, r, http.StatusOK, body)
		}
	})
}

// stamp puts on an answer what every answer of Entra carries, but for its
// cookies and for Strict-Transport-Security, which would pin all of localhost.
func stamp(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store, no-cache")
	h.Set("Pragma", "no-cache")
	h.Set("Expires", "-1")
	h.Set("X-Content-Type-Options", "nosniff")
	h[requestID] = []string{newGUID()}
	if id := r.Header.Get("Client-Request-Id"); isGUID(id) {
		h["client-request-id"] = []string{id}
	}
}

// correlationOf is the id that the client gave its request, or a new one.
func correlationOf(r *http.Request) string {
	if id := r.Header.Get("Client-Request-Id"); isGUID(id) {
		return id
	}
	return newGUID()
}

func writeJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // strings and numbers
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return guid(b)
}

// guid writes 16 bytes as a random (version 4) GUID. RFC 9562 5.4.
func guid(b [16]byte) string {
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func isGUID(s string) bool {
	return len(s) == 36 && strings.Count(s, "-") == 4 && consists(s, "0123456789abcdefABCDEF-")
}

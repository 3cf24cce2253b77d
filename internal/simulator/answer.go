package simulator

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

const (
	// Answers longer than this are compressed for a client that asks for it.
	compressOver = 1 << 10
	// Answers longer than this, as they go on the wire, go in chunks.
	chunksOver = 64 << 10
)

func writeEmpty(w http.ResponseWriter, status int) {
	if status != http.StatusNoContent && status != http.StatusNotModified {
		w.Header()["Content-Length"] = []string{"0"}
	}
	w.WriteHeader(status)
}

// writeError answers with OData's error object. Code is a hexadecimal number,
// as the Web API writes it.
func writeError(w http.ResponseWriter, status int, code, message string) {
	body, err := marshal(map[string]any{"error": odataErrorBody{code, message}})
	if err != nil {
		panic(err) // two strings
	}
	h := w.Header()
	h["Content-Type"] = []string{"application/json; odata.metadata=minimal"}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	w.Write(body)
}

type odataErrorBody struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// writeBody answers with body, compressed and with a length or in chunks, as
// its size and the client's Accept-Encoding have it.
func writeBody(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte) {
	h := w.Header()
	h["Content-Type"] = []string{contentType}
	if len(body) > compressOver && acceptsGzip(r) {
		h["Content-Encoding"] = []string{"gzip"}
		body = compress(body)
	}
	if len(body) <= chunksOver {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	w.Write(body)
}

func acceptsGzip(r *http.Request) bool {
	for _, value := range r.Header.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(value, ",") {
			name, weight, _ := strings.Cut(coding, ";")
			refused := strings.Trim(weight, " q=0.") == "" && strings.Contains(weight, "0")
			if strings.EqualFold(strings.TrimSpace(name), "gzip") && !refused {
				return true
			}
		}
	}
	return false
}

func compress(body []byte) []byte {
	var out bytes.Buffer
	zw, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed) // the level is a valid one
	zw.Write(body)                                     // into memory: neither fails
	zw.Close()
	return out.Bytes()
}

// marshal is json.Marshal without the escaping of <, > and &, which Dataverse
// does not do either.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

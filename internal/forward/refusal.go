package forward

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Codes of Dataverse's service protection. A 429 with another one, or none, is
// the answer of a plug-in, which has run.
const (
	codeExecution  = "0x80072321" // combined time of execution
	codeRequests   = "0x80072322" // number of requests
	codeConcurrent = "0x80072326" // requests at one time
)

// usualConcurrent is Dataverse's limit where its message names none.
const usualConcurrent = 52

// A refusal is a 429 of service protection: the request was not executed.
type refusal struct {
	resp    *http.Response // its body is at hand
	code    string
	message string // in JSON
	wait    time.Duration
	until   time.Time // now and wait
}

// refusalOf reads an answer; nil if it is none. Its body can be read as before.
// The other argument is the wait where it names none.
func refusalOf(resp *http.Response, usual time.Duration) *refusal {
	const most = 64 << 10 // bytes; Dataverse's own are some hundred
	if resp.StatusCode != http.StatusTooManyRequests {
		return nil
	}
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); !strings.HasSuffix(kind, "json") {
		return nil
	}
	body, err := readUpTo(resp.Body, most)
	if !errors.Is(err, io.EOF) {
		rest := io.Reader(resp.Body)
		if err != nil {
			rest = failedBody{err}
		}
		resp.Body = &replacedBody{Reader: io.MultiReader(bytes.NewReader(body), rest), upstream: resp.Body}
		return nil
	}
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	r := &refusal{resp: resp, wait: retryAfter(resp.Header, time.Now())}
	if r.wait == 0 {
		r.wait = usual
	}
	r.until = time.Now().Add(r.wait)
	r.code, r.message = errorIn(plain(body, codingOf(resp.Header), most))
	switch r.code {
	case codeExecution, codeRequests, codeConcurrent:
		return r
	}
	return nil
}

// plain is a body without its coding; empty if that cannot be read.
func plain(body []byte, c coding, most int) []byte {
	switch c {
	case identity:
		return body
	case gzipCoding:
		if body, err := readUpTo(new(gzipPool).reader(bytes.NewReader(body)), most); errors.Is(err, io.EOF) {
			return body
		}
	}
	return nil
}

// errorIn reads the code in lower case, and the message in JSON, of an OData
// error. In OData v2 the message is an object.
func errorIn(body []byte) (code, message string) {
	var odata struct {
		Error struct {
			Code    string
			Message json.RawMessage
		}
	}
	if json.Unmarshal(body, &odata) != nil {
		return "", ""
	}
	return strings.ToLower(odata.Error.Code), string(odata.Error.Message)
}

var number = regexp.MustCompile(`[0-9]+`)

// named is the limit that the message names, which may be in any language: its
// only number, as in "Number of concurrent requests exceeded the limit of 52."
func (r *refusal) named() int {
	numbers := number.FindAllString(r.message, -1)
	if len(numbers) == 0 {
		return usualConcurrent
	}
	n, err := strconv.Atoi(numbers[len(numbers)-1])
	if err != nil || n < 1 {
		return usualConcurrent
	}
	return n
}

// answer is the 429 for the client, with the seconds that remain: in whole
// ones, which is all that many clients can read.
func (r *refusal) answer(left time.Duration) *http.Response {
	left = max(left, time.Until(r.until))
	r.resp.Header["Retry-After"] = []string{strconv.Itoa(wholeSeconds(left))}
	return r.resp
}

// A failedBody is one that broke off.
type failedBody struct{ err error }

// Read returns the error.
func (b failedBody) Read([]byte) (int, error) { return 0, b.err }

package simulator

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
)

// playDataverse does what a fault of the environment says.
func (t *Tenant) playDataverse(f *activeFault, w http.ResponseWriter, r *http.Request, v verdict) {
	if f.Delay > 0 && !pause(r, f.Delay, f.cleared) {
		reset(w)
	}
	switch f.Kind {
	case FaultReset:
		reset(w)
	case FaultResetAfterBody:
		drain(r)
		reset(w)
	case FaultResetAfterExecute:
		t.admit(newUnsent(), r, v)
		reset(w)
	case FaultHang:
		if !hang(r, f.cleared) {
			reset(w)
		}
		f.stamp(w.Header())
		t.admit(w, r, v)
	case FaultDelay:
		f.stamp(w.Header())
		t.admit(w, r, v)
	case FaultTruncate, FaultTruncateChunks, FaultTrickle, FaultCorruptGzip, FaultTruncateGzip:
		t.playBody(f, w, r, v)
	case FaultStatus:
		f.stamp(w.Header())
		f.writeStatus(w)
	case FaultHTML, FaultRedirect, FaultJunk:
		f.stamp(w.Header())
		f.page(w, t)
	default:
		f.stamp(w.Header())
		t.playRefusal(f, w, r, v)
	}
}

// playRefusal does what a fault about credentials or limits says.
func (t *Tenant) playRefusal(f *activeFault, w http.ResponseWriter, r *http.Request, v verdict) {
	switch f.Kind {
	case FaultUnauthorized:
		t.refuseToken(w, r, false)
	case FaultUnauthorizedReset:
		t.refuseAndReset(w, r)
	case FaultClaimsChallenge:
		w.Header()[headerAuthenticate] = []string{t.claimsChallenge(f.Claims)}
		writeEmpty(w, http.StatusUnauthorized)
	case FaultAppUnauthorized:
		t.admit(newUnsent(), r, v)
		code, message := f.Code, f.Message
		setDefault(&code, "0x80040265")
		setDefault(&message, "The plug-in could not sign in to its own service.")
		writeError(w, http.StatusUnauthorized, code, message)
	case FaultThrottle:
		over := throttleFault(f)
		over.write(w)
	}
}

// throttleFault is a service protection answer with the limits that Dataverse
// documents.
func throttleFault(f *activeFault) *excess {
	over := &excess{code: f.Code, retryAfter: f.RetryAfter}
	setDefault(&over.code, codeRequests)
	switch over.code {
	case codeExecution:
		over.message = fmt.Sprintf(executionMessage, thousands(defaultExecution.Milliseconds()), 300)
	case codeConcurrent:
		over.message = fmt.Sprintf(concurrentMessage, defaultConcurrent)
	default:
		over.message = fmt.Sprintf(requestsMessage, defaultRequests, 300)
	}
	if f.Message != "" {
		over.message = f.Message
	}
	return over
}

func (f *Fault) writeStatus(w http.ResponseWriter) {
	status := f.Status
	setDefault(&status, http.StatusInternalServerError)
	if f.Body != "" {
		h := w.Header()
		if h["Content-Type"] == nil {
			h["Content-Type"] = []string{"text/html; charset=utf-8"}
		}
		h["Content-Length"] = []string{strconv.Itoa(len(f.Body))}
		w.WriteHeader(status)
		w.Write([]byte(f.Body))
		return
	}
	code, message := f.Code, f.Message
	setDefault(&code, "0x80040216")
	setDefault(&message, "An unexpected error occurred.")
	writeError(w, status, code, message)
}

// refuseAndReset writes the 401 by hand and resets the connection while the
// client may still be sending its body.
func (t *Tenant) refuseAndReset(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header[headerAuthenticate] = []string{t.challenge(r, false)}
	header["Content-Length"] = []string{"0"}
	conn, rw, ok := takeOver(w)
	if !ok {
		reset(w)
	}
	fmt.Fprintf(rw, "HTTP/1.1 %d %s\r\n", http.StatusUnauthorized, http.StatusText(http.StatusUnauthorized))
	header.Write(rw)
	rw.WriteString("\r\n")
	rw.Flush()
	abort(conn)
}

// unsent collects an answer that does not go out, or not as it is.
type unsent struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newUnsent() *unsent { return &unsent{header: http.Header{}} }

func (u *unsent) Header() http.Header { return u.header }

func (u *unsent) WriteHeader(status int) {
	if u.status == 0 {
		u.status = status
	}
}

func (u *unsent) Write(p []byte) (int, error) {
	u.WriteHeader(http.StatusOK)
	return u.body.Write(p)
}

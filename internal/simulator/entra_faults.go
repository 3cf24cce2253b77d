package simulator

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
)

const defaultJunk = 4 << 20

// playEntra does what a fault of the token endpoint says.
func (t *Tenant) playEntra(f *activeFault, w http.ResponseWriter, r *http.Request, tenant string, version endpointVersion) {
	if f.Delay > 0 && !pause(r, f.Delay, f.cleared) {
		reset(w)
	}
	f.stamp(w.Header())
	switch f.Kind {
	case FaultRefuse:
		hangUp(w)
	case FaultReset:
		reset(w)
	case FaultResetAfterBody:
		drain(r)
		reset(w)
	case FaultHang:
		if !hang(r, f.cleared) {
			reset(w)
		}
		t.giveToken(w, r, tenant, version, "")
	case FaultDelay:
		t.giveToken(w, r, tenant, version, "")
	case FaultNoExpiresIn:
		t.giveToken(w, r, tenant, version, FaultNoExpiresIn)
	case FaultStatus, FaultAADSTS:
		t.entraRefusal(f, w)
	case FaultTruncate:
		status, body, _ := t.tokenAnswer(r, tenant, version, "")
		t.stats.tokenCall("issued")
		w.Header()["Content-Type"] = []string{"application/json; charset=utf-8"}
		truncate(w, status, body, f.Bytes)
	default:
		f.page(w, t)
	}
}

func (t *Tenant) giveToken(w http.ResponseWriter, r *http.Request, tenant string, version endpointVersion, tweak FaultKind) {
	status, body, outcome := t.tokenAnswer(r, tenant, version, tweak)
	t.stats.tokenCall(outcome)
	writeEntra(w, status, body)
}

// entraRefusal answers with an error: that of the code, or of the status alone.
func (t *Tenant) entraRefusal(f *activeFault, w http.ResponseWriter) {
	code, _ := strconv.Atoi(strings.TrimPrefix(f.Code, "AADSTS"))
	e, known := faultError(code)
	if !known {
		e = entraError{status: http.StatusInternalServerError, code: code, name: "server_error", message: "An unexpected error has occurred."}
		if f.Status == http.StatusServiceUnavailable || f.Status == http.StatusTooManyRequests {
			e.name, e.message = "temporarily_unavailable", "The server is temporarily too busy to handle the request."
		}
	}
	if f.Status != 0 {
		e.status = f.Status
	}
	if f.Message != "" {
		e.message = f.Message
	}
	status, body, _ := t.entraErrorBody(e)
	if f.Body != "" {
		body = []byte(f.Body)
	}
	writeEntra(w, status, body)
}

// stamp puts the fault's own headers on the answer.
func (f *Fault) stamp(h http.Header) {
	if f.RetryAfter > 0 {
		h["Retry-After"] = []string{wholeSeconds(f.RetryAfter)}
	}
	for name, values := range f.Header {
		h[name] = values
	}
}

// page answers with something that is no answer of an API.
func (f *Fault) page(w http.ResponseWriter, t *Tenant) {
	h := w.Header()
	switch f.Kind {
	case FaultRedirect:
		location := f.Location
		setDefault(&location, t.signInPage())
		h["Location"] = []string{location}
		writeEmpty(w, http.StatusFound)
	case FaultJunk:
		size := f.Bytes
		setDefault(&size, defaultJunk)
		h["Content-Type"] = []string{"application/json; charset=utf-8"}
		w.WriteHeader(http.StatusOK)
		block := bytes.Repeat([]byte("junk "), 1<<13)
		for size > 0 {
			n, err := w.Write(block[:min(size, int64(len(block)))])
			if size -= int64(n); err != nil {
				return
			}
		}
	default:
		body := f.Body
		setDefault(&body, signInHTML)
		h["Content-Type"] = []string{"text/html; charset=utf-8"}
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
		w.WriteHeader(http.StatusOK)
		w.Write([]byte(body))
	}
}

const signInHTML = "<!DOCTYPE html>\r\n<html dir=\"ltr\" lang=\"en\"><head><title>Sign in to your account</title></head>" +
	"<body><form method=\"post\" action=\"/login\"><input name=\"loginfmt\"></form></body></html>\r\n"

func (t *Tenant) signInPage() string {
	return t.authorityOrigin() + "/" + t.opts.TenantID + "/oauth2/authorize?client_id=00000007-0000-0000-c000-000000000000&response_mode=form_post&response_type=code+id_token"
}

// truncate declares the whole body, sends n bytes of it (half if n is 0) and
// breaks the connection off.
func truncate(w http.ResponseWriter, status int, body []byte, n int64) {
	if n == 0 {
		n = int64(len(body) / 2)
	}
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	w.Write(body[:min(n, int64(len(body)))])
	http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

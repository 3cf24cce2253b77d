package forward

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// A Problem is an answer that dvproxy gives by itself. On the wire it has an
// OData error body, so that clients show it as they show Dataverse's errors,
// and a Proxy-Status header (RFC 9209), by which one can tell it from those.
type Problem struct {
	Status     int
	Code       string        // what of the error code dvproxy.what
	Message    string        // what happened and what to do
	Error      string        // error type of RFC 9209 2.3
	RetryAfter time.Duration // until another try has a point; 0: not told
}

// Write answers a request with the problem.
func (p Problem) Write(w http.ResponseWriter, r *http.Request) {
	type detail struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	body, err := json.Marshal(map[string]detail{"error": {"dvproxy." + p.Code, p.Message}})
	if err != nil { // two strings always marshal
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; odata.metadata=minimal")
	h["OData-Version"] = []string{"4.0"}
	h.Set("Cache-Control", "no-store")
	h.Set("Proxy-Status", fmt.Sprintf("dvproxy; error=%s", p.Error))
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if p.RetryAfter > 0 || p.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(wholeSeconds(p.RetryAfter)))
	}
	respell(h) // what the caller has put there
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// wholeSeconds rounds up, to 1 at least: old clients read whole numbers only.
func wholeSeconds(d time.Duration) int {
	return max(1, int((d+time.Second-1)/time.Second))
}

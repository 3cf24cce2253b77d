package simulator

import (
	"net/http"
	"strconv"
	"time"
)

type graphError struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Inner   struct {
			Date            string `json:"date"`
			RequestID       string `json:"request-id"`
			ClientRequestID string `json:"client-request-id"`
		} `json:"innerError"`
	} `json:"error"`
}

func refuseGraph(status int, code, message string) graphAnswer {
	var e graphError
	e.Error.Code, e.Error.Message = code, message
	e.Error.Inner.Date = time.Now().UTC().Format("2006-01-02T15:04:05")
	return graphAnswer{status, &e}
}

func writeGraph(w http.ResponseWriter, a graphAnswer) {
	h := w.Header()
	if a.body == nil {
		writeEmpty(w, a.status)
		return
	}
	if e, ok := a.body.(*graphError); ok && h["request-id"] != nil {
		e.Error.Inner.RequestID = h["request-id"][0]
		e.Error.Inner.ClientRequestID = h["client-request-id"][0]
	}
	body, err := marshal(a.body)
	if err != nil {
		panic(err) // strings and bools
	}
	h["Content-Type"] = []string{"application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(a.status)
	w.Write(body)
}

// playGraph does what a fault of Graph says.
func (t *Tenant) playGraph(f *activeFault, w http.ResponseWriter, r *http.Request) {
	if f.Delay > 0 && !pause(r, f.Delay, f.cleared) {
		reset(w)
	}
	f.stamp(w.Header())
	switch f.Kind {
	case FaultReset:
		reset(w)
	case FaultResetAfterBody:
		drain(r)
		reset(w)
	case FaultResetAfterExecute:
		t.answerGraph(newUnsent(), r)
		reset(w)
	case FaultHang:
		if !hang(r, f.cleared) {
			reset(w)
		}
		t.answerGraph(w, r)
	case FaultDelay:
		t.answerGraph(w, r)
	case FaultTruncate:
		whole := newUnsent()
		t.answerGraph(whole, r)
		w.Header()["Content-Type"] = whole.header["Content-Type"]
		truncate(w, whole.status, whole.body.Bytes(), f.Bytes)
	case FaultStatus:
		f.refuseGraph(w)
	default:
		f.page(w, t)
	}
}

// graphCodes are Graph's codes for statuses that a request cannot earn here.
var graphCodes = map[int]string{
	http.StatusForbidden:           "Authorization_RequestDenied",
	http.StatusNotFound:            "Request_ResourceNotFound",
	http.StatusConflict:            "Request_MultipleObjectsWithSameKeyValue",
	http.StatusTooManyRequests:     "TooManyRequests",
	http.StatusInternalServerError: "InternalServerError",
	http.StatusServiceUnavailable:  "serviceNotAvailable",
}

func (f *Fault) refuseGraph(w http.ResponseWriter) {
	if f.Body != "" {
		f.writeStatus(w)
		return
	}
	status, code, message := f.Status, f.Code, f.Message
	setDefault(&status, http.StatusInternalServerError)
	setDefault(&code, graphCodes[status])
	setDefault(&code, "UnknownError")
	setDefault(&message, "The request could not be served.")
	writeGraph(w, refuseGraph(status, code, message))
}

// FailGraph makes Graph go wrong.
func (t *Tenant) FailGraph(f Fault) error {
	return t.graphFault.add(f, []FaultKind{FaultResetAfterExecute})
}

// ClearGraphFaults ends the faults of Graph; requests that hang go on.
func (t *Tenant) ClearGraphFaults() { t.graphFault.clear() }

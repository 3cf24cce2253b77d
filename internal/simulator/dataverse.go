package simulator

import (
	"net/http"
	"time"
)

// serveDataverse is the way of every request to the environment. The token is
// judged before anything may go wrong, so that [Stats] knows of each dead one.
func (t *Tenant) serveDataverse(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	v := t.judge(r, arrived)
	t.stats.begin(v)
	defer func() { t.stats.end(statusOf(w)) }()

	t.stampHeaders(w.Header())
	fault := t.dataFault.pick(r, v)
	if fault == nil {
		t.admit(w, r, v)
		return
	}
	t.stats.fault(fault.Kind)
	t.playDataverse(fault, w, r, v)
}

// admit lets a request through to the data if its token, its user and the
// service protection limits allow it.
func (t *Tenant) admit(w http.ResponseWriter, r *http.Request, v verdict) {
	if v.refusal != "" {
		t.refuseToken(w, r, v.refusal == refusedMissing)
		return
	}
	if !t.hasApplicationUser() {
		writeError(w, http.StatusForbidden, "0x80072560", "The user is not a member of the organization.")
		return
	}
	leave, excess := t.protection.enter(time.Now())
	if excess != nil {
		t.stats.throttled(excess.code)
		excess.write(w)
		return
	}
	defer func() { leave(time.Now()) }()
	t.protection.stamp(w.Header(), time.Now())
	t.route(w, r)
}

// refuseToken answers 401 with the challenge and no body.
func (t *Tenant) refuseToken(w http.ResponseWriter, r *http.Request, missing bool) {
	w.Header()[headerAuthenticate] = []string{t.challenge(r, missing)}
	writeEmpty(w, http.StatusUnauthorized)
}

func statusOf(w http.ResponseWriter) int {
	if aw, ok := w.(*statusWriter); ok && !aw.hijacked {
		return aw.status
	}
	return 0
}

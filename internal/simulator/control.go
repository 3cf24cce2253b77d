package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Control is the same as the methods of [Tenant], over HTTP and in JSON: the
// package comment lists the calls.
func (t *Tenant) Control() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(*http.Request) (any, error){
		"GET /stats":               func(*http.Request) (any, error) { return t.Stats(), nil },
		"DELETE /stats":            do(t.ResetStats),
		"GET /executions":          func(*http.Request) (any, error) { return t.Executions(), nil },
		"GET /requests":            func(*http.Request) (any, error) { return t.Recent(), nil },
		"DELETE /requests":         do(t.ClearRecent),
		"DELETE /rows":             do(t.ClearRows),
		"GET /files":               t.controlFile,
		"PUT /token-lifetime":      t.controlLifetime,
		"PUT /secrets":             t.controlSecrets,
		"PUT /certificates":        t.controlCertificates,
		"PUT /federated":           t.controlFederated,
		"POST /tokens/revoke":      func(*http.Request) (any, error) { return map[string]int{"revoked": t.RevokeTokens()}, nil },
		"PUT /application-user":    t.controlUser,
		"PUT /limits":              t.controlLimits,
		"POST /faults/entra":       addFault(t.FailEntra),
		"DELETE /faults/entra":     do(t.ClearEntraFaults),
		"POST /faults/dataverse":   addFault(t.FailDataverse),
		"DELETE /faults/dataverse": do(t.ClearDataverseFaults),
		"GET /graph/policies":      func(*http.Request) (any, error) { return t.GraphPolicies(), nil },
		"PUT /graph/permissions":   t.controlPermissions,
		"POST /faults/graph":       addFault(t.FailGraph),
		"DELETE /faults/graph":     do(t.ClearGraphFaults),
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { answerControl(w, r, handle) })
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintln(w, strings.Join(controlCalls, "\n")+"\n(A kind of fault that there is not is answered with those that there are.)")
	})
	return mux
}

var controlCalls = []string{
	"GET /stats, DELETE /stats", "GET /executions", "GET /requests, DELETE /requests", "DELETE /rows",
	"GET /files?set=accounts&id=<guid>&column=<name>",
	`PUT /token-lifetime {"lifetime":"90s"}`, `PUT /secrets {"accepted":["new","old"]}`, "POST /tokens/revoke",
	`PUT /certificates {"accepted":"-----BEGIN CERTIFICATE-----..."}`, `PUT /federated {"accepted":[{"issuer":"https://...","subject":"...","key":"-----BEGIN PUBLIC KEY-----..."}]}`,
	`PUT /application-user {"present":false}`, `PUT /limits {"requests":100,"window":"10s","execution":"20m","concurrent":4}`,
	`POST /faults/entra {"kind":"aadsts","code":"7000222","count":2}, DELETE /faults/entra`,
	`POST /faults/dataverse {"kind":"throttle","method":"POST","path":"/api/data/","retry_after":"2s","count":1}, DELETE /faults/dataverse`,
	"GET /graph/policies", `PUT /graph/permissions {"granted":["Policy.Read.All"]}`,
	`POST /faults/graph {"kind":"status","method":"POST","status":429,"retry_after":"2s","count":1}, DELETE /faults/graph`,
}

func do(act func()) func(*http.Request) (any, error) {
	return func(*http.Request) (any, error) { act(); return nil, nil }
}

func answerControl(w http.ResponseWriter, r *http.Request, handle func(*http.Request) (any, error)) {
	answer, err := handle(r)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case answer == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(answer)
	}
}

// readControl reads a body that may have no members but those of into.
func readControl(r *http.Request, into any) error {
	return decodeStrictly(io.LimitReader(r.Body, 1<<20), into)
}

func (t *Tenant) controlLifetime(r *http.Request) (any, error) {
	var body struct {
		Lifetime span `json:"lifetime"`
	}
	if err := readControl(r, &body); err != nil {
		return nil, err
	}
	if body.Lifetime == 0 {
		return nil, errors.New(`lifetime is missing: {"lifetime":"90s"}`)
	}
	t.SetTokenLifetime(time.Duration(body.Lifetime))
	return nil, nil
}

func (t *Tenant) controlSecrets(r *http.Request) (any, error) {
	var body struct {
		Accepted []string `json:"accepted"`
	}
	if err := readControl(r, &body); err != nil {
		return nil, err
	}
	t.SetSecrets(body.Accepted...)
	return nil, nil
}

func (t *Tenant) controlPermissions(r *http.Request) (any, error) {
	var body struct {
		Granted []string `json:"granted"`
	}
	if err := readControl(r, &body); err != nil {
		return nil, err
	}
	t.SetGraphPermissions(body.Granted...)
	return nil, nil
}

func (t *Tenant) controlUser(r *http.Request) (any, error) {
	var body struct {
		Present bool `json:"present"`
	}
	if err := readControl(r, &body); err != nil {
		return nil, err
	}
	t.SetApplicationUser(body.Present)
	return nil, nil
}

func (t *Tenant) controlLimits(r *http.Request) (any, error) {
	var body struct {
		Requests   int  `json:"requests"`
		Execution  span `json:"execution"`
		Concurrent int  `json:"concurrent"`
		Window     span `json:"window"`
	}
	if err := readControl(r, &body); err != nil {
		return nil, err
	}
	t.SetLimits(Limits{body.Requests, time.Duration(body.Execution), body.Concurrent, time.Duration(body.Window)})
	return nil, nil
}

func (t *Tenant) controlFile(r *http.Request) (any, error) {
	q := r.URL.Query()
	f, ok := t.File(q.Get("set"), q.Get("id"), q.Get("column"))
	if !ok {
		return nil, errors.New("no such file")
	}
	return f, nil
}

func addFault(add func(Fault) error) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		text, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return nil, fmt.Errorf("read the body: %w", err)
		}
		f, err := ParseFault(text)
		if err != nil {
			return nil, err
		}
		return nil, add(f)
	}
}

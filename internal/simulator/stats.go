package simulator

import (
	"maps"
	"strconv"
	"sync"
)

// Stats counts what happened since the tenant began or [Tenant.ResetStats].
type Stats struct {
	// TokenCalls counts calls of the token endpoint by outcome: "issued", an
	// error such as "AADSTS7000215", or "fault:" and its kind. A fault after which
	// the call went on, such as a delay, is counted beside the outcome.
	TokenCalls map[string]int `json:"token_calls"`

	// Requests counts what reached Dataverse, faults included.
	Requests int `json:"requests"`

	// Refused counts requests whose token was not good, by reason: "missing",
	// "malformed", "signature", "audience", "not_yet_valid", "expired", "revoked",
	// "unknown". A fault that answered in place of the 401 does not hide them.
	Refused map[string]int `json:"refused"`

	// DeadTokens is how many of these came with a token that had been good once:
	// expired or revoked.
	DeadTokens int `json:"dead_tokens"`

	// Throttled counts the 429s of the service protection limits by code, not
	// those of a fault.
	Throttled map[string]int `json:"throttled"`

	// Faults counts the Dataverse faults that struck, by kind.
	Faults map[string]int `json:"faults"`

	// Statuses counts Dataverse's answers by status; a connection that was
	// broken instead is not among them.
	Statuses map[string]int `json:"statuses"`

	// Executed counts writes that were done, whether or not the client was told:
	// those in batches too, and calls of actions.
	Executed int `json:"executed"`

	// Repeated counts rows, by set and name, that were written more than once.
	Repeated int `json:"repeated"`

	// Rows counts the rows stored now, by entity set.
	Rows map[string]int `json:"rows"`

	// MaxConcurrent is the largest number of requests that Dataverse had in hand
	// at one time.
	MaxConcurrent int `json:"max_concurrent"`
}

// Executions tells how many times each write was done.
type Executions struct {
	// ByName has the entity set, or the action, and the row's name: "accounts/Contoso". The name
	// is the attribute name, fullname, subject, title or lastname of the body,
	// the first that is there. Writes without one are not in it.
	ByName map[string]int `json:"by_name"`

	// ByRequestID has the x-ms-client-request-id. Writes without one are not in it.
	ByRequestID map[string]int `json:"by_request_id"`
}

type statistics struct {
	mu         sync.Mutex // guards what follows
	stats      Stats
	executions Executions
	inFlight   int
}

func newStatistics() *statistics {
	s := &statistics{}
	s.reset()
	return s
}

func (s *statistics) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats = Stats{
		TokenCalls: map[string]int{}, Refused: map[string]int{}, Throttled: map[string]int{},
		Faults: map[string]int{}, Statuses: map[string]int{}, MaxConcurrent: s.inFlight,
	}
	s.executions = Executions{ByName: map[string]int{}, ByRequestID: map[string]int{}}
}

// Stats returns a copy of the counts.
func (t *Tenant) Stats() Stats {
	s := t.stats
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.stats
	out.TokenCalls = maps.Clone(out.TokenCalls)
	out.Refused = maps.Clone(out.Refused)
	out.Throttled = maps.Clone(out.Throttled)
	out.Faults = maps.Clone(out.Faults)
	out.Statuses = maps.Clone(out.Statuses)
	out.Rows = t.rows.count()
	return out
}

// Executions returns a copy of the counts of writes.
func (t *Tenant) Executions() Executions {
	s := t.stats
	s.mu.Lock()
	defer s.mu.Unlock()
	return Executions{ByName: maps.Clone(s.executions.ByName), ByRequestID: maps.Clone(s.executions.ByRequestID)}
}

// ResetStats sets all counts back to zero; rows stay.
func (t *Tenant) ResetStats() { t.stats.reset() }

func (s *statistics) tokenCall(outcome string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.TokenCalls[outcome]++
}

// begin counts a request to Dataverse and how many there are now.
func (s *statistics) begin(v verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Requests++
	s.inFlight++
	s.stats.MaxConcurrent = max(s.stats.MaxConcurrent, s.inFlight)
	if v.refusal != "" {
		s.stats.Refused[v.refusal]++
	}
	if v.dead() {
		s.stats.DeadTokens++
	}
}

func (s *statistics) end(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
	if status != 0 {
		s.stats.Statuses[strconv.Itoa(status)]++
	}
}

func (s *statistics) fault(kind FaultKind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Faults[string(kind)]++
}

func (s *statistics) throttled(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Throttled[code]++
}

func (s *statistics) executed(set, name, requestID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Executed++
	if requestID != "" {
		s.executions.ByRequestID[requestID]++
	}
	if name != "" {
		key := set + "/" + name
		s.executions.ByName[key]++
		if s.executions.ByName[key] == 2 {
			s.stats.Repeated++
		}
	}
}

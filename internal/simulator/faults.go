package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// FaultKind names a way of going wrong.
type FaultKind string

// Faults of both Entra and Dataverse. A "reset" is a TCP RST (a stream error
// on HTTP/2).
const (
	FaultReset          FaultKind = "reset"            // before the body is read
	FaultResetAfterBody FaultKind = "reset_after_body" // the body is read, nothing is done
	FaultHang           FaultKind = "hang"             // no answer until the client leaves or the fault is cleared
	FaultDelay          FaultKind = "delay"            // Delay, then the usual answer
	FaultStatus         FaultKind = "status"           // Status, with an error body of the service's own shape, or Body
	FaultHTML           FaultKind = "html"             // 200 with a sign-in page
	FaultRedirect       FaultKind = "redirect"         // 302 to Location, by default the sign-in page
	FaultTruncate       FaultKind = "truncate"         // the usual answer, cut off after Bytes of its body
	FaultJunk           FaultKind = "junk"             // 200 with Bytes (4 MiB) that mean nothing
)

// Faults of Entra alone.
const (
	FaultRefuse      FaultKind = "refuse"        // the connection is closed at once, as if nobody listened
	FaultAADSTS      FaultKind = "aadsts"        // the error with this Code, for instance "90033"
	FaultNoExpiresIn FaultKind = "no_expires_in" // a token without expires_in
)

// Faults of Dataverse alone. Those marked (*) strike only requests whose token
// is good; others get their 401.
const (
	FaultResetAfterExecute FaultKind = "reset_after_execute" // the request is carried out, the answer lost
	FaultUnauthorized      FaultKind = "unauthorized"        // (*) 401 with the invalid_token challenge
	FaultUnauthorizedReset FaultKind = "unauthorized_reset"  // (*) the same before the body is read, then a reset
	FaultAppUnauthorized   FaultKind = "app_unauthorized"    // (*) a plug-in's own 401, after the request is carried out
	FaultClaimsChallenge   FaultKind = "claims_challenge"    // (*) 401 until a token was asked for with Claims
	FaultThrottle          FaultKind = "throttle"            // (*) 429 with Code (0x80072322) and RetryAfter
)

// Faults of Dataverse alone, in the bytes of the usual answer. Those marked (*)
// strike only requests that accept gzip; their answer is compressed, however
// short. FaultTruncate may cut a compressed answer too.
const (
	FaultTruncateChunks FaultKind = "truncate_chunks" // no declared length, broken off after Bytes of the body (half)
	FaultTrickle        FaultKind = "trickle"         // no declared length, Bytes (1000) at a time and Interval in between
	FaultCorruptGzip    FaultKind = "corrupt_gzip"    // (*) bytes changed from Bytes on (half), the length right
	FaultTruncateGzip   FaultKind = "truncate_gzip"   // (*) cut off after Bytes (half), and a clean end of the body
)

// Fault is one way of going wrong, when and how often. Faults that are set
// later come after earlier ones; the first that fits a request strikes it, and
// it alone.
type Fault struct {
	Kind FaultKind

	// Method and Path limit the fault to requests with this method and to
	// targets that begin with this path, compared as bytes. Empty fits all.
	Method, Path string

	// Skip lets that many fitting requests pass first. Count is how many are
	// struck then; zero means all, until the fault is cleared.
	Skip, Count int

	// DeadTokenOnly limits the fault to requests with a token that has expired
	// or was revoked. Dataverse only.
	DeadTokenOnly bool

	// OncePerToken strikes each token once, then lets it pass. Dataverse only.
	OncePerToken bool

	// Delay comes before what the kind does.
	Delay time.Duration

	Status     int           // of FaultStatus; zero means 500
	Code       string        // the error's code
	Message    string        // the error's text, in place of the usual one
	Body       string        // a whole body, in place of the error
	RetryAfter time.Duration // sent in whole seconds, rounded up; zero sends none
	Location   string        // of FaultRedirect
	Claims     string        // of FaultClaimsChallenge, as JSON; empty means an nbf of now
	Bytes      int64         // of the kinds that say so; zero means what they say, half for FaultTruncate
	Interval   time.Duration // of FaultTrickle; zero means 10 ms
	Header     http.Header   // set on the answer, names as they are spelt here
}

var (
	sharedFaults    = []FaultKind{FaultReset, FaultResetAfterBody, FaultHang, FaultDelay, FaultStatus, FaultHTML, FaultRedirect, FaultTruncate, FaultJunk}
	entraFaults     = []FaultKind{FaultRefuse, FaultAADSTS, FaultNoExpiresIn}
	dataverseFaults = []FaultKind{FaultResetAfterExecute, FaultUnauthorized, FaultUnauthorizedReset, FaultAppUnauthorized, FaultClaimsChallenge, FaultThrottle, FaultTruncateChunks, FaultTrickle, FaultCorruptGzip, FaultTruncateGzip}
)

// activeFault is a fault that was set, and how often it was met.
type activeFault struct {
	Fault
	met     int
	struck  int
	tokens  map[string]bool
	cleared chan struct{}
}

type faultList struct {
	mu     sync.Mutex // guards faults and their counts
	faults []*activeFault
}

func (l *faultList) add(f Fault, allowed []FaultKind) error {
	if !slices.Contains(allowed, f.Kind) && !slices.Contains(sharedFaults, f.Kind) {
		return fmt.Errorf("unknown fault %q; there are %v", f.Kind, slices.Concat(sharedFaults, allowed))
	}
	f.Header = f.Header.Clone()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, &activeFault{Fault: f, tokens: map[string]bool{}, cleared: make(chan struct{})})
	return nil
}

func (l *faultList) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.faults {
		close(f.cleared)
	}
	l.faults = nil
}

// pick counts the request against the faults that fit it and returns the one
// that strikes, nil if none does.
func (l *faultList) pick(r *http.Request, v verdict) *activeFault {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.faults {
		if !f.fits(r, v) || f.Count > 0 && f.struck >= f.Count {
			continue
		}
		if f.OncePerToken {
			if f.tokens[v.token.id] {
				continue
			}
			f.tokens[v.token.id] = true
		}
		if f.met++; f.met <= f.Skip {
			continue
		}
		f.struck++
		return f
	}
	return nil
}

func (f *activeFault) fits(r *http.Request, v verdict) bool {
	if f.Method != "" && f.Method != r.Method || !strings.HasPrefix(r.RequestURI, f.Path) {
		return false
	}
	if f.DeadTokenOnly && !v.dead() {
		return false
	}
	switch f.Kind {
	case FaultUnauthorized, FaultUnauthorizedReset, FaultAppUnauthorized, FaultThrottle:
		return v.refusal == ""
	case FaultCorruptGzip, FaultTruncateGzip:
		return acceptsGzip(r)
	case FaultClaimsChallenge:
		return v.refusal == "" && !meetsClaims(v.token.requested, f.Claims)
	}
	return true
}

// FailEntra makes the token endpoint go wrong.
func (t *Tenant) FailEntra(f Fault) error { return t.entraFault.add(f, entraFaults) }

// FailDataverse makes the environment go wrong.
func (t *Tenant) FailDataverse(f Fault) error {
	if f.Kind == FaultClaimsChallenge && f.Claims == "" {
		f.Claims = defaultClaims(time.Now())
	}
	if f.Kind == FaultClaimsChallenge {
		if _, err := accessTokenClaims(f.Claims); err != nil {
			return err
		}
	}
	return t.dataFault.add(f, dataverseFaults)
}

// ClearEntraFaults ends the faults of the token endpoint; requests that hang
// go on.
func (t *Tenant) ClearEntraFaults() { t.entraFault.clear() }

// ClearDataverseFaults ends the faults of the environment; requests that hang
// go on.
func (t *Tenant) ClearDataverseFaults() { t.dataFault.clear() }

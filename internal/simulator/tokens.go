package simulator

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// Entra dates a token five minutes back, so that clocks which lag accept it at
// once: exp - iat is the lifetime and 300 s more.
const backdating = 300 * time.Second

// The claims of an access token for Dataverse, which asks for version 1.0
// whichever endpoint issues it.
type accessClaims struct {
	Audience      string `json:"aud"`
	Issuer        string `json:"iss"`
	IssuedAt      int64  `json:"iat"`
	NotBefore     int64  `json:"nbf"`
	Expires       int64  `json:"exp"`
	AppID         string `json:"appid"`
	AppIDACR      string `json:"appidacr"`
	IdentityProv  string `json:"idp"`
	IdentityType  string `json:"idtyp"`
	ObjectID      string `json:"oid"`
	Subject       string `json:"sub"`
	TenantID      string `json:"tid"`
	UniqueTokenID string `json:"uti"`
	Version       string `json:"ver"`
	// Challenge says that the token was asked for with a claims challenge.
	Challenge json.RawMessage `json:"xms_claims_request,omitempty"`
}

// issuedToken is what the tenant remembers of a token: the exact times, which
// the whole seconds of a JWT cannot say.
type issuedToken struct {
	id        string // uti
	raw       string
	issued    time.Time
	expires   time.Time
	lifetime  time.Duration
	notBefore int64
	expiresOn int64
	requested json.RawMessage // the access_token member of the claims parameter
	revoked   bool
}

// IssueToken makes an access token for resource, as the token endpoint would,
// and returns it as it goes on the wire.
func (t *Tenant) IssueToken(resource string) string {
	return t.issue(resource, nil, acrSecret).raw
}

const (
	acrSecret    = "1"
	acrAssertion = "2"
)

func (t *Tenant) issue(audience string, requested json.RawMessage, acr string) issuedToken {
	now := time.Now()
	lifetime := t.lifetimeOf(audience, now)
	tok := issuedToken{
		id: newGUID(), issued: now, expires: now.Add(lifetime), lifetime: lifetime,
		notBefore: now.Add(-backdating).Unix(), requested: requested,
	}
	// Rounded up: the exact time in the table ends a token, never its rounding.
	tok.expiresOn = tok.expires.Add(time.Second - time.Nanosecond).Unix()
	payload, err := json.Marshal(accessClaims{
		Audience: audience, Issuer: t.issuer(),
		IssuedAt: tok.notBefore, NotBefore: tok.notBefore, Expires: tok.expiresOn,
		AppID: t.opts.ClientID, AppIDACR: acr, IdentityProv: t.issuer(), IdentityType: "app",
		ObjectID: t.objectID, Subject: t.objectID, TenantID: t.opts.TenantID,
		UniqueTokenID: tok.id, Version: "1.0", Challenge: requested,
	})
	if err == nil {
		tok.raw, err = t.signer.sign(payload)
	}
	if err != nil {
		panic(fmt.Sprintf("simulator: sign a token: %v", err)) // requested was checked to be JSON
	}
	t.tokens.add(tok)
	return tok
}

func (t *Tenant) issuer() string { return "https://sts.windows.net/" + t.opts.TenantID + "/" }

// wireSeconds is a lifetime as expires_in says it.
func wireSeconds(d time.Duration) int64 { return max(1, int64(d/time.Second)) }

// tokenTable remembers the tokens that were issued.
type tokenTable struct {
	mu   sync.Mutex // guards byID
	byID map[string]issuedToken
}

func newTokenTable() *tokenTable { return &tokenTable{byID: map[string]issuedToken{}} }

// The table is swept when it is this long; a token that expired an hour ago is
// still told from an unknown one by its exp.
const tokenTableSweep = 10_000

func (tt *tokenTable) add(tok issuedToken) {
	tt.mu.Lock()
	defer tt.mu.Unlock()
	if len(tt.byID) >= tokenTableSweep {
		for id, old := range tt.byID {
			if tok.issued.Sub(old.expires) > time.Hour {
				delete(tt.byID, id)
			}
		}
	}
	tt.byID[tok.id] = tok
}

func (tt *tokenTable) find(id string) (issuedToken, bool) {
	tt.mu.Lock()
	defer tt.mu.Unlock()
	tok, ok := tt.byID[id]
	return tok, ok
}

func (tt *tokenTable) revokeAll(now time.Time) int {
	tt.mu.Lock()
	defer tt.mu.Unlock()
	n := 0
	for id, tok := range tt.byID {
		if !tok.revoked && now.Before(tok.expires) {
			n++
		}
		tok.revoked = true
		tt.byID[id] = tok
	}
	return n
}

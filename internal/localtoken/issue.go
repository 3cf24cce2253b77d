package localtoken

import (
	"crypto/sha256"
	"encoding/json"
	"strconv"
	"time"
)

// maxClaim bounds what a token repeats of a client's own words, in bytes.
const maxClaim = 512

// An issued is what an answer holds. Times are in seconds since 1970.
type issued struct {
	access   string
	refresh  string // empty if there is none
	id       string // the same
	info     string // the same
	expires  int64
	issuedAt int64
}

// issue makes the tokens for a request that was granted.
func (i *Issuer) issue(q request, h holder, origin string, now time.Time) issued {
	at, lifetime := now.Unix(), int64(i.options.Lifetime/time.Second)
	holding := h.client
	if h.user != "" {
		holding = "user " + h.user
	}
	object := objectID(i.environment, holding)
	issuer := origin + "/" + q.tenant
	if q.version == version2 {
		issuer += "/v2.0"
	}
	c := claims{
		Expires: at + lifetime, NotBefore: at - int64(skew/time.Second), Issued: at,
		Audience: q.resource, Issuer: issuer,
		AppID: h.client, AppIDACR: "1", ObjectID: object, Subject: object, TenantID: q.tenant,
		UserName: h.user, Version: "1.0",
	}
	out := issued{access: h.keys.access.mint(c), expires: c.Expires, issuedAt: at}
	if q.wantsRefresh() {
		// It has to outlive the access token. Twice is enough for a client that
		// comes once in a lifetime, and each use brings a new one.
		longer := c
		longer.Expires = at + 2*lifetime
		out.refresh = h.keys.refresh.mint(longer)
	}
	if h.user != "" {
		out.id = idToken(c, q.id)
		if q.info {
			out.info = encoded(map[string]string{"uid": object, "utid": q.tenant})
		}
	}
	return out
}

// objectID stands for the id of the application or the user in the directory.
// It is the same at each sign-in, as clients key their caches by it.
func objectID(environment, name string) string {
	sum := sha256.Sum256([]byte(strconv.Quote(environment) + strconv.Quote(name)))
	return guid([16]byte(sum[:16]))
}

// idToken tells a client who signed in. It is not signed, as that of Entra's
// version 1 endpoint, so it can never pass for an access token.
func idToken(c claims, clientID string) string {
	return encoded(map[string]string{"typ": "JWT", "alg": "none"}) + "." + encoded(map[string]any{
		"aud": clientID, "iss": c.Issuer, "iat": c.Issued, "nbf": c.NotBefore, "exp": c.Expires,
		"oid": c.ObjectID, "sub": c.Subject, "tid": c.TenantID,
		"name": c.UserName, "preferred_username": c.UserName, "upn": c.UserName, "ver": c.Version,
	}) + "."
}

func encoded(v any) string {
	text, err := json.Marshal(v)
	if err != nil { // strings and numbers
		panic(err)
	}
	return encoding.EncodeToString(text)
}

type answerV1 struct {
	TokenType    string `json:"token_type"`
	Scope        string `json:"scope,omitempty"`
	ExpiresIn    string `json:"expires_in"`
	ExtExpiresIn string `json:"ext_expires_in"`
	ExpiresOn    string `json:"expires_on"`
	NotBefore    string `json:"not_before"`
	Resource     string `json:"resource"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	ClientInfo   string `json:"client_info,omitempty"`
}

type answerV2 struct {
	TokenType    string `json:"token_type"`
	Scope        string `json:"scope,omitempty"`
	ExpiresIn    int64  `json:"expires_in"`
	ExtExpiresIn int64  `json:"ext_expires_in"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	ClientInfo   string `json:"client_info,omitempty"`
}

// answer writes the tokens as the version of the endpoint does.
func answer(q request, t issued) any {
	seconds := t.expires - t.issuedAt
	if q.version == version2 {
		a := answerV2{
			TokenType: "Bearer", ExpiresIn: seconds, ExtExpiresIn: seconds,
			AccessToken: t.access, RefreshToken: t.refresh, IDToken: t.id, ClientInfo: t.info,
		}
		if t.id != "" {
			a.Scope = q.scope
		}
		return a
	}
	text := func(n int64) string { return strconv.FormatInt(n, 10) }
	a := answerV1{
		TokenType: "Bearer", ExpiresIn: text(seconds), ExtExpiresIn: text(seconds),
		ExpiresOn: text(t.expires), NotBefore: text(t.issuedAt - int64(skew/time.Second)),
		Resource: q.resource, AccessToken: t.access, RefreshToken: t.refresh, IDToken: t.id, ClientInfo: t.info,
	}
	if t.id != "" {
		a.Scope = "user_impersonation"
	}
	return a
}

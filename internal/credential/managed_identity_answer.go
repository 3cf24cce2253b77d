package credential

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// identityAnswer is what a host answers, token or error. Numbers may come as
// numbers or strings.
type identityAnswer struct {
	AccessToken string          `json:"access_token"`
	TokenType   string          `json:"token_type"`
	ClientID    string          `json:"client_id"`
	ExpiresIn   any             `json:"expires_in"`
	ExpiresOn   any             `json:"expires_on"`
	RefreshIn   any             `json:"refresh_in"`
	Error       json.RawMessage `json:"error"` // a code, or an object with one
	Description string          `json:"error_description"`
	Message     string          `json:"message"` // App Service
}

// token says the lifetime as of the request. By Microsoft's page, expires_in
// counts from when the token was issued, and hosts hand out tokens that they
// have kept for hours; so expires_on is believed where it is sooner. It is not
// where it lies in the past, since no host hands out a dead token: then this
// machine's clock is ahead.
func (a *identityAnswer) token(sent time.Time) *oauth2.Token {
	extra := map[string]any{"expires_in": a.ExpiresIn, "refresh_in": a.RefreshIn}
	if at, ok := instant(a.ExpiresOn); ok {
		left := at.Sub(sent).Seconds()
		if in, ok := seconds(a.ExpiresIn); left >= 1 && (!ok || left < float64(in)) {
			extra["expires_in"] = left
		}
	}
	return (&oauth2.Token{AccessToken: a.AccessToken, TokenType: a.TokenType}).WithExtra(extra)
}

// instant reads expires_on: seconds since 1970 as number or string, or one of
// the dates that hosts have been seen to send.
func instant(v any) (time.Time, bool) {
	switch v := v.(type) {
	case float64:
		return time.Unix(int64(v), 0), v > 0
	case string:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return time.Unix(n, 0), n > 0
		}
		for _, layout := range []string{time.RFC3339, "01/02/2006 15:04:05", "01/02/2006 15:04:05 -07:00", "2006-01-02 15:04:05"} {
			if t, err := time.Parse(layout, v); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

// isFor says whether the answer confirms whose token it is, by its own word or
// by the token's.
func (a *identityAnswer) isFor(clientID string) bool {
	if a.ClientID != "" {
		return strings.EqualFold(a.ClientID, clientID)
	}
	parts := strings.Split(a.AccessToken, ".")
	if len(parts) != 3 {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		V1 string `json:"appid"`
		V2 string `json:"azp"`
	}
	return err == nil && json.Unmarshal(payload, &claims) == nil &&
		(strings.EqualFold(claims.V1, clientID) || strings.EqualFold(claims.V2, clientID))
}

// refusal is the error for a status that is not 200.
func (h *host) refusal(got reply, a identityAnswer, clientID string) *Error {
	e := &Error{Status: got.status, Code: a.code(), AADSTS: aadsts(a.Description + " " + a.Message)}
	e.retryAfter = retryAfter(got.header.Get("Retry-After"), time.Now())
	e.permanent = e.Status == http.StatusBadRequest && !isTransient(e.AADSTS)
	e.what = fmt.Sprintf("%s answered %d", h.name, e.Status)
	if e.Code != "" {
		e.what += " " + e.Code
	}
	if e.AADSTS != 0 {
		e.what += fmt.Sprintf(" (AADSTS%d)", e.AADSTS)
	}
	switch {
	case mends[e.AADSTS] != "":
		e.hint = mends[e.AADSTS]
	case e.Status == http.StatusBadRequest && clientID != "":
		e.hint = "the identity with this client id is not assigned to the machine; check managed_identity, or assign it: " + h.assign + " --identities ID"
	case e.Status == http.StatusBadRequest:
		e.hint = "the machine has no system-assigned identity (one of its own); give it one: " + h.assign + ", or name the client id of a user-assigned one in managed_identity"
	case e.Status == http.StatusGone:
		e.hint = "it is being updated; it will be asked again"
	case e.Status == http.StatusTooManyRequests, e.Status >= http.StatusInternalServerError:
		e.hint = hint(e)
	default:
		e.hint = h.check
	}
	return e
}

// code is the error's code, if it looks like one.
func (a *identityAnswer) code() string {
	var code string
	if json.Unmarshal(a.Error, &code) == nil {
		return oauthCode(code)
	}
	var nested struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal(a.Error, &nested)
	return oauthCode(nested.Code)
}

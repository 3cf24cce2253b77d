package check

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// challenge reads the 401 that a request without a token gets: it names the
// tenant that the environment belongs to.
func (r *run) challenge(resp *http.Response) {
	tenant := tenantOf(resp.Header.Values("WWW-Authenticate"))
	switch {
	case resp.StatusCode != http.StatusUnauthorized:
		r.warn("environment", fmt.Sprintf("answered %d to a request without a token; Dataverse answers 401", resp.StatusCode),
			"check that url is the origin of the environment, as the Power Platform admin center shows it")
	case tenant == "":
		r.pass("environment", "asks for a token, as it should")
	case isGUID(r.environment.TenantID) && isGUID(tenant) && !strings.EqualFold(tenant, r.environment.TenantID):
		r.warn("environment", "belongs to tenant "+tenant+", and tenant_id is "+r.environment.TenantID,
			"set tenant_id to "+tenant+", unless the application is of another tenant on purpose")
	default:
		r.pass("environment", "asks for a token of tenant "+tenant)
	}
}

// tenantOf finds the tenant in Dataverse's challenge, whose values may be
// quoted or not.
func tenantOf(challenges []string) string {
	for _, c := range challenges {
		_, rest, found := strings.Cut(c, "authorization_uri=")
		if !found {
			continue
		}
		rest = strings.TrimLeft(rest, `"`)
		if i := strings.IndexAny(rest, `", `); i >= 0 {
			rest = rest[:i]
		}
		u, err := url.Parse(rest)
		if err != nil {
			continue
		}
		tenant, _, _ := strings.Cut(strings.TrimLeft(u.Path, "/"), "/")
		if tenant != "common" {
			return clip(tenant, 64)
		}
	}
	return ""
}

func isGUID(s string) bool {
	return len(s) == 36 && strings.Count(s, "-") == 4 && strings.Trim(strings.ToLower(s), "0123456789abcdef-") == ""
}

// whoAmI makes the first call with a token.
func (r *run) whoAmI(ctx context.Context, token string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.environment.URL.JoinPath("/api/data/v9.2/WhoAmI").String(), nil)
	if err != nil {
		r.fail("whoami", "the URL cannot be asked for", "")
		return
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json")
	resp, err := r.client.Do(request)
	if err != nil {
		r.fail("whoami", "no answer: "+innermost(err).Error(), "try again; the environment was reached before")
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	body = bytes.ReplaceAll(body, []byte(token), []byte("[token]")) // some servers quote what they refuse
	if resp.StatusCode != http.StatusOK {
		r.refused(resp, body)
		return
	}
	var who struct{ UserID, OrganizationID, BusinessUnitID string }
	if json.Unmarshal(body, &who) != nil || who.UserID == "" {
		r.fail("whoami", "the answer is not that of Dataverse", "check that url is the origin of the environment")
		return
	}
	r.pass("whoami", "application user "+clip(who.UserID, 64)+" of organization "+clip(who.OrganizationID, 64))
	r.limits(resp.Header)
}

// limits shows what service protection says, where it does.
func (r *run) limits(h http.Header) {
	var said []string
	for header, what := range map[string]string{
		"X-Ms-Ratelimit-Burst-Remaining-Xrm-Requests": "requests left",
		"X-Ms-Ratelimit-Time-Remaining-Xrm-Requests":  "seconds of execution left",
		"X-Ms-Dop-Hint": "requests at a time recommended",
	} {
		if v := h.Get(header); v != "" {
			said = append(said, clip(v, 32)+" "+what)
		}
	}
	if len(said) > 0 {
		slices.Sort(said)
		r.pass("limits", strings.Join(said, ", "))
	}
}

// refused says what a first call's failure means.
func (r *run) refused(resp *http.Response, body []byte) {
	code, message := errorOf(body)
	detail := fmt.Sprintf("answered %d", resp.StatusCode)
	if code != "" {
		detail += " " + code + ": " + message
	}
	remedy := "look the code up in Microsoft's list of Web service error codes"
	switch {
	case code == "0x80072560":
		remedy = "the application is no user of this environment: Power Platform admin center, the environment, Settings, Users, Application users, New app user; give it a security role"
	case code == "0x80095ffc": // source: PowerPlatform-DataverseServiceClient issue 528
		remedy = "the environment restricts which applications may use it: Power Platform admin center, Security, Access controls, App access control: allow this application there"
	case resp.StatusCode == http.StatusUnauthorized:
		remedy = "the token is good for something else: check url, scope (its audience is above) and tenant_id; or a policy of the tenant, such as Conditional Access, refuses it"
	case resp.StatusCode == http.StatusForbidden:
		remedy = "the application user is disabled, restricted or without a security role: Power Platform admin center, the environment, Application users"
	case resp.StatusCode == http.StatusNotFound:
		remedy = "there is no Web API there: check that url is the origin of the environment, without a path"
	case resp.StatusCode == http.StatusTooManyRequests:
		remedy = "service protection: the application is already at its limits; wait " + clip(resp.Header.Get("Retry-After"), 32) + " s"
	case resp.StatusCode >= http.StatusMultipleChoices && resp.StatusCode < http.StatusBadRequest:
		remedy = "it redirects to another place: check that url is the origin of the environment"
	case resp.StatusCode >= http.StatusInternalServerError:
		remedy = "the environment has trouble of its own, or is disabled or being updated; try again later"
	}
	r.fail("whoami", detail, remedy)
}

// errorOf reads an OData error.
func errorOf(body []byte) (code, message string) {
	var e struct {
		Error struct{ Code, Message string }
	}
	_ = json.Unmarshal(body, &e) // what is none has no code
	return clip(e.Error.Code, 64), clip(e.Error.Message, 300)
}

// clip bounds what is shown of somebody else's words, and takes out what a
// terminal would obey.
func clip(s string, n int) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, s)
	if len(s) > n {
		return s[:n] + "..."
	}
	return s
}

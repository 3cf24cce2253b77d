package check_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dvproxy/internal/check"
)

func TestChallenge(t *testing.T) {
	t.Parallel()
	challenge := func(text string) answer { return answer{401, map[string]string{"WWW-Authenticate": text}, ""} }
	for _, tt := range []struct {
		name    string
		without answer
		state   check.State
		words   []string
	}{
		{"as it should be", unasked(), check.OK, []string{"tenant " + tenantID}},
		{"quoted", challenge(`Bearer authorization_uri="https://login.microsoftonline.com/` + tenantID + `/oauth2/authorize", resource_id="x"`), check.OK, []string{"tenant " + tenantID}},
		{"no tenant in it", challenge("Bearer authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize"), check.OK, []string{"asks for a token"}},
		{"of another tenant", challenge("Bearer authorization_uri=https://login.microsoftonline.com/eeeeeeee-0000-0000-0000-000000000005/oauth2/authorize"), check.Warning, []string{"eeeeeeee-", tenantID, "set tenant_id"}},
		{"not Dataverse", answer{200, nil, "<html>Welcome"}, check.Warning, []string{"200", "origin of the environment"}},
		{"elsewhere", answer{302, map[string]string{"Location": "https://contoso.example/login"}, ""}, check.Warning, []string{"302", "origin of the environment"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			expect(t, run(t.Context(), t, environment(t, dataverse(t, tt.without, answer{}))), "environment", tt.state, tt.words...)
		})
	}
}

func TestWhoAmI(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		with  answer
		state check.State
		words []string
	}{
		{"as it should be", whoAmI(), check.OK, []string{userID, orgID}},
		{"wrong audience", answer{401, map[string]string{"WWW-Authenticate": "Bearer error=invalid_token"}, ""}, check.Failed, []string{"401", "scope", "tenant_id"}},
		{"no application user", refusal(403, "0x80072560", "The user is not a member of the organization."), check.Failed, []string{"0x80072560", "not a member", "New app user", "security role"}},
		{"restricted application", refusal(403, "0x80095ffc", "Access to Dataverse API is restricted for this application Id : 'x'."), check.Failed, []string{"0x80095ffc", "App access control"}},
		{"no role", refusal(403, "0x80040220", "SecLib::AccessCheckEx failed."), check.Failed, []string{"0x80040220", "without a security role"}},
		{"not there", refusal(404, "", ""), check.Failed, []string{"404", "without a path"}},
		{"throttled", answer{429, map[string]string{"Retry-After": "17"}, `{"error":{"code":"0x80072322","message":"m"}}`}, check.Failed, []string{"0x80072322", "wait 17 s"}},
		{"no other word", refusal(400, "0x80060888", "m"), check.Failed, []string{"0x80060888", "error codes"}},
		{"trouble", answer{503, nil, "<html>"}, check.Failed, []string{"503", "try again later"}},
		{"redirect", answer{302, map[string]string{"Location": "https://x.example"}, ""}, check.Failed, []string{"302", "origin of the environment"}},
		{"a page", answer{200, map[string]string{"Content-Type": "text/html"}, "<html>Sign in"}, check.Failed, []string{"not that of Dataverse"}},
		{"nobody", answer{200, nil, `{"UserId":""}`}, check.Failed, []string{"not that of Dataverse"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			expect(t, run(t.Context(), t, environment(t, dataverse(t, answer{}, tt.with))), "whoami", tt.state, tt.words...)
		})
	}
}

// An answer may quote the token, and hold what a terminal would obey.
func TestAnswersAreNotBelieved(t *testing.T) {
	t.Parallel()
	e := environment(t, dataverse(t, answer{}, answer{}))
	token, _, _ := e.SignIn(t.Context())
	quoting := environment(t, dataverse(t, answer{}, refusal(401, "x", "no good: "+token+" \x1b[31m")))
	quoting.SignIn = signsIn(token)
	steps := run(t.Context(), t, quoting)
	expect(t, steps, "whoami", check.Failed, "no good: [token]")
	for _, s := range steps {
		for _, c := range s.Detail + s.Remedy {
			if c < ' ' {
				t.Errorf("step %q has the control character %q", s.Name, c)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	steps := run(t.Context(), t, environment(t, dataverse(t, answer{}, answer{})))
	expect(t, steps, "limits", check.OK, "5999 requests left", "1,200.00 seconds of execution left", "4 requests at a time")
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	origin := dataverse(t, answer{}, answer{})
	other := "https://other.crm.dynamics.com"
	for _, tt := range []struct {
		name, token, step string
		state             check.State
		words             []string
	}{
		{"what it is", tokenFor(origin), "sign-in", check.OK, []string{"1h0m0s", "application " + clientID, "tenant " + tenantID, "roles a.b"}},
		{"version 2", jwt(map[string]any{"aud": origin, "azp": clientID}), "sign-in", check.OK, []string{"application " + clientID}},
		{"no JWT", "opaque", "sign-in", check.OK, []string{"not a JWT"}},
		{"nearly a JWT", "eyJ.e30", "sign-in", check.OK, []string{"not a JWT"}},
		{"for this", tokenFor(origin), "audience", check.OK, []string{origin}},
		{"for this, with a slash", tokenFor(origin + "/"), "audience", check.OK, []string{origin}},
		{"for several", tokenFor([]string{other, origin}), "audience", check.OK, []string{origin}},
		{"for an alias", tokenFor("https://contoso.api.crm.dynamics.com"), "audience", check.OK, nil},
		{"for another", tokenFor(other), "audience", check.Warning, []string{other, "set scope to " + origin + "/.default"}},
		{"for nothing", jwt(map[string]any{"appid": clientID}), "audience", check.Warning, []string{"what it is for"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := environment(t, origin)
			e.Aliases = []string{"https://contoso.api.crm.dynamics.com"}
			e.SignIn = signsIn(tt.token)
			expect(t, run(t.Context(), t, e), tt.step, tt.state, tt.words...)
		})
	}
}

type signInError struct{ what, mend string }

func (e signInError) Error() string { return e.what + ": " + e.mend }
func (e signInError) What() string  { return e.what }
func (e signInError) Mend() string  { return e.mend }

func TestSignInRefused(t *testing.T) {
	t.Parallel()
	for _, err := range []error{signInError{"AADSTS7000222", "add a new one"}, errors.New("AADSTS7000222: add a new one")} {
		e := environment(t, dataverse(t, answer{}, answer{}))
		e.SignIn = refusedBy(err)
		steps := run(t.Context(), t, e)
		expect(t, steps, "sign-in", check.Failed, "AADSTS7000222", "add a new one")
		expect(t, steps, "whoami", check.Skipped, "no token")
	}
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name  string
		left  time.Duration
		state check.State
		words []string
	}{
		{"good", 90 * day, check.OK, []string{"good until"}},
		{"ends soon", 29 * day, check.Warning, []string{"expires on", "replace the file"}},
		{"ended", -time.Hour, check.Failed, []string{"expired on", "replace the file"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := environment(t, dataverse(t, answer{}, answer{}))
			e.Expires = func() time.Time { return time.Now().Add(tt.left) }
			expect(t, run(t.Context(), t, e), "certificate", tt.state, tt.words...)
		})
	}
}

func TestSettingsAndListener(t *testing.T) {
	t.Parallel()
	origin := dataverse(t, answer{}, answer{})
	for _, tt := range []struct {
		listen string
		open   bool
		state  check.State
		words  []string
	}{
		{"localhost:7080", true, check.Warning, []string{"every account", "localhost:7080", "set clients"}},
		{"localhost:7080", false, check.OK, []string{"asks its clients"}},
		{"unix:/run/dvproxy.sock", true, check.Warning, []string{"every account may write", "socket_mode"}},
		{"unix:/run/dvproxy.sock", false, check.OK, []string{"not every account"}},
	} {
		e := environment(t, origin)
		e.Listen, e.Open, e.Warnings = tt.listen, tt.open, []string{"renew_at: odd"}
		steps := run(t.Context(), t, e)
		expect(t, steps, "listener", tt.state, tt.words...)
		expect(t, steps, "settings", check.Warning, "renew_at: odd")
	}
}

// The JSON is read by machines, and its names do not change.
func TestJSON(t *testing.T) {
	t.Parallel()
	origin := dataverse(t, answer{}, refusal(404, "", ""))
	var got []map[string]any
	text, err := json.Marshal(run(t.Context(), t, environment(t, origin)))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{
		{"name": "settings", "state": "ok", "detail": "complete, and nothing contradicts"},
		{"name": "listener", "state": "ok", "detail": "localhost:7080 asks its clients who they are"},
		{"name": "environment clock", "state": "ok", "detail": "within a few seconds of that of the environment"},
		{"name": "environment", "state": "ok", "detail": "asks for a token of tenant " + tenantID},
		{"name": "sign-in", "state": "ok", "detail": "a token that lives 1h0m0s, application " + clientID + ", tenant " + tenantID + ", roles a.b"},
		{"name": "audience", "state": "ok", "detail": origin},
		{"name": "whoami", "state": "failed", "detail": "answered 404", "remedy": "there is no Web API there: check that url is the origin of the environment, without a path"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

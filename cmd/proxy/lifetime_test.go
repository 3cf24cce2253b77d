package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dvproxy/internal/simulator"
)

func TestLifetimeBadInput(t *testing.T) {
	b := newLifetimeBench(t)
	for args, want := range map[string]string{
		"set 5 --yes": "from 10m to 24h", "set 25h --yes": "from 10m to 24h", "set 9m --yes": "from 10m to 24h",
		"set -1h --yes": "from 10m to 24h", "set 1.06:00:00 --yes": "from 10m to 24h", "set --yes": "say one lifetime",
		"set 5h 6h --yes": "say one lifetime", "set 5h --print bash": "--print takes az or powershell",
		"set 5h --print az --dry-run": "say one", "set 5h --wait -1s": "--wait must not be negative",
		"set 5h": "--yes", "clear": "--yes", "clear 5h --yes": "5h", "set 5h --colour": "--colour", "": "say show, set or clear", "shwo": "shwo",
		"show --environment nope": "there are 127", "set 5h --yes --graph-token-command '": "quote",
	} {
		b.lifetime(args).want(t, exitUsage, want)
	}
	if n := len(b.Recent()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
	for flag, want := range map[string]string{"http://graph.microsoft.com": "must start with https://", "": "name its Graph with --graph-url"} {
		var stderr strings.Builder
		if code := run(t.Context(), []string{"lifetime", "set", "5h", "--yes", "--graph-url", flag}, io.Discard, &stderr); code != exitUsage || !strings.Contains(stderr.String(), want) {
			t.Errorf("--graph-url %q: exit code %d, %s", flag, code, stderr.String())
		}
	}
}

func TestLifetimeSetShowClear(t *testing.T) {
	b := newLifetimeBench(t)
	b.lifetime("show").want(t, exitOK, "lives for  59m59s (expires_in 3599)", "60 to 90 minutes", "renews after   19m47s", "policy of Dataverse     none", "organization's default  none")
	b.lifetime("set 5h --dry-run").want(t, exitOK, "POST "+b.GraphURL+"/v1.0/policies/tokenLifetimePolicies\n", `\"AccessTokenLifetime\":\"05:00:00\"`, "/$ref\n", "Nothing was changed")
	if len(b.GraphPolicies()) > 0 {
		t.Errorf("the dry run made %v", b.GraphPolicies())
	}
	b.lifetime("set 5h --yes --wait 30s").want(t, exitOK, "all Dataverse environments", "The policy is set", "lives for 5h0m0s (expires_in 18000)", "To take it back: dvproxy lifetime clear --graph-url "+b.GraphURL)
	made := b.GraphPolicies()
	b.lifetime("set 05:00:00 --yes").want(t, exitOK, "already", "lives for 5h0m0s")
	if diff := cmp.Diff(made, b.GraphPolicies()); diff != "" || len(made) != 1 {
		t.Errorf("set twice: %s", diff)
	}
	b.lifetime("show").want(t, exitOK, `"dvproxy: access tokens for Dataverse": 5h0m0s, made by dvproxy`, "5h0m0s (expires_in 18000)")
	b.lifetime("set 2h --yes").want(t, exitOK, "lives for 2h0m0s")
	if got := b.GraphPolicies(); len(got) != 1 || got[0].ID != made[0].ID {
		t.Errorf("another lifetime made another policy: %v", got)
	}
	b.lifetime("clear --dry-run").want(t, exitOK, "DELETE", "Nothing was changed")
	b.lifetime("clear --yes").want(t, exitOK, "The policy is gone", "lives for 59m59s")
	b.lifetime("clear --yes").want(t, exitOK, "nothing of dvproxy's to clear")
	if len(b.GraphPolicies()) > 0 || len(b.GraphAssigned()) > 0 {
		t.Errorf("left: %v", b.GraphPolicies())
	}
}

func TestLifetimeForeignPolicySurvives(t *testing.T) {
	for name, plant := range map[string]func(b lifetimeBench){
		"assigned": func(b lifetimeBench) { b.foreign(dataversePolicy, false) },
		"elsewhere": func(b lifetimeBench) {
			b.foreign(strings.Replace(dataversePolicy, "00000007-0000-0000-c000-000000000000", b.ClientID(), 1), false)
		},
		"default": func(b lifetimeBench) { b.foreign("", true) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newLifetimeBench(t)
			plant(b)
			policy, assigned := b.GraphPolicies()[0], b.GraphAssigned()
			for _, args := range []string{"show", "set 5h --dry-run", "set 5h --yes --wait 0s", "set 4h --yes --wait 0s", "clear --dry-run", "clear --yes --wait 0s"} {
				s := b.lifetime(args)
				if name == "assigned" && strings.HasPrefix(args, "set") {
					s.want(t, exitFailed, `the policy "Contoso" (id `+policy.ID+`)`, "takes only one", "DELETE ")
				}
				if name != "elsewhere" && !strings.Contains(s.stdout, "Contoso") {
					t.Errorf("%s does not name it:\n%s", args, s.stdout)
				}
				if diff := cmp.Diff(policy, b.GraphPolicies()[0]); diff != "" {
					t.Errorf("%s changed it: %s", args, diff)
				}
			}
			if diff := cmp.Diff(assigned, b.GraphAssigned()); diff != "" || len(b.GraphPolicies()) != 1 {
				t.Errorf("in the end: %s, %v", diff, b.GraphPolicies())
			}
		})
	}
}

func TestLifetimeShowJSON(t *testing.T) {
	b := newLifetimeBench(t)
	b.foreign(dataversePolicy, false)
	s := b.lifetime("show --json")
	s.want(t, exitOK)
	var got map[string]any
	if err := json.Unmarshal([]byte(s.stdout), &got); err != nil {
		t.Fatalf("%v\n%s", err, s.stdout)
	}
	environment := got["environments"].([]any)[0].(map[string]any)
	policy := got["tenants"].([]any)[0].(map[string]any)["assigned"].([]any)[0].(map[string]any)
	if environment["expires_in"] != 14400.0 || environment["renew_after"] != 4752.0 || policy["access_token_lifetime"] != 14400.0 || policy["made_by_dvproxy"] != false || policy["display_name"] != "Contoso" {
		t.Errorf("%s", s.stdout)
	}
}

func TestLifetimeByTokenCommand(t *testing.T) {
	b := newLifetimeBench(t)
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := func(args string) said {
		t.Helper()
		var stdout, stderr strings.Builder
		code := run(t.Context(), append(strings.Fields("lifetime "+args), "--graph-url", b.GraphURL, "--graph-token-command", "cat '"+file+"'"), &stdout, &stderr)
		if strings.Contains(stdout.String()+stderr.String(), "eyJ") {
			t.Errorf("a token shows:\n%s%s", stdout.String(), stderr.String())
		}
		return said{code, stdout.String(), stderr.String()}
	}
	write(`{"accessToken":"` + b.IssueToken(b.GraphURL) + `"}`)
	command("set 5h --yes").want(t, exitOK, "lives for 5h0m0s", "--graph-token-command ...")
	write(b.IssueToken(b.DataverseURL))
	command("clear --yes").want(t, exitFailed, "401 InvalidAuthenticationToken", "--graph-token-command")
	write("oops oops")
	command("clear --yes").want(t, exitFailed, "printed no token")
}

func TestLifetimePrintAsksNobody(t *testing.T) {
	b := newLifetimeBench(t)
	for args, want := range map[string]string{
		"set 5h --print az": `\"AccessTokenLifetime\":\"05:00:00\"`, "clear --print az": "--method delete",
		"set 5h --print powershell": `"AccessTokenLifetime":"05:00:00"`, "clear --print powershell": "Remove-MgPolicyTokenLifetimePolicy",
	} {
		b.lifetime(args).want(t, exitOK, want, b.GraphURL)
	}
	if n := len(b.Recent()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestLifetimeAsks(t *testing.T) {
	for in, want := range map[string]string{"y\n": "", "YES\n": "", "yes": "", "n\n": "nothing was changed", "\n": "nothing was changed", "": "--yes"} {
		var stderr strings.Builder
		err := (&lifetimeChange{}).confirm(t.Context(), strings.NewReader(in), &stderr)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) || !strings.Contains(stderr.String(), "all Dataverse environments") {
			t.Errorf("%q: %v, %s", in, err, stderr.String())
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&lifetimeChange{}).confirm(ctx, blocked{}, io.Discard); err == nil {
		t.Error("an interrupt is no yes")
	}
}

// blocked is a terminal at which nobody sits.
type blocked struct{}

func (blocked) Read([]byte) (int, error) { select {} }

// Several tenants: show tells of each, and a change is of one.
func TestLifetimeOfSeveralTenants(t *testing.T) {
	b := newLifetimeBench(t)
	other, err := simulator.Start(simulator.Options{TenantID: "11111111-2222-3333-4444-555555555555"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	file := filepath.Join(t.TempDir(), "dvproxy.yaml")
	environment := "  - {name: %s, url: %q, listen: 'localhost:%d', credential: {authority: %q, tenant_id: %s, client_id: %s, client_secret: %s}}\n"
	text := "environments:\n"
	for i, s := range []*simulator.Server{b.Server, other} {
		text += fmt.Sprintf(environment, []string{"one", "two"}[i], s.DataverseURL, 7080+2*i, s.EntraURL, s.TenantID(), s.ClientID(), s.ClientSecret())
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DVPROXY_CONFIG", file)
	b.lifetime("set 5h --yes").want(t, exitUsage, "several tenants (one; two)", "--environment")
	b.lifetime("show --graph-token-command x").want(t, exitUsage, "--environment")
	b.lifetime("show").want(t, exitFailed, "Tenant of one", "Tenant of two", "AADSTS500011") // the Graph of the first is none of the second
	b.lifetime("set 5h --yes --environment one").want(t, exitOK, "A new token for one lives for 5h0m0s", "clear --environment one")
}

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

var freePorts = []string{"--entra-listen", "127.0.0.1:0", "--dataverse-listen", "127.0.0.1:0", "--control-listen", "127.0.0.1:0", "--graph-listen", "127.0.0.1:0"}

// begin runs the program; the test gets its output by line. When the test
// ends the program is told to stop, and must exit with 0.
func begin(t *testing.T, args ...string) *bufio.Reader {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	exit := make(chan int)
	go func() {
		code := run(ctx, append(args, freePorts...), write, io.Discard)
		write.Close()
		exit <- code
	}()
	t.Cleanup(func() {
		cancel()
		read.Close()
		if code := <-exit; code != exitOK {
			t.Errorf("exit code %d, want 0", code)
		}
	})
	return bufio.NewReader(read)
}

func TestJSONLineIsEnoughToGetAToken(t *testing.T) {
	line, err := begin(t, "--json", "--token-lifetime", "90s").ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var a announcement
	if err := json.Unmarshal([]byte(line), &a); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	resp, err := http.PostForm(a.EntraURL+"/"+a.TenantID+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {a.ClientID}, "client_secret": {a.ClientSecret},
		"scope": {a.DataverseURL + "/.default"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var token struct {
		ExpiresIn int `json:"expires_in"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&token); err != nil || token.ExpiresIn != 90 {
		t.Errorf("status %d, expires_in %d, %v; want 200, 90", resp.StatusCode, token.ExpiresIn, err)
	}
	if graph, err := http.Get(a.GraphURL + "/v1.0/policies/tokenLifetimePolicies"); err != nil || graph.StatusCode != http.StatusUnauthorized {
		t.Errorf("Graph at %q: %v, want a 401 without a token", a.GraphURL, err)
	}
	stats, err := http.Get(a.ControlURL + "/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer stats.Body.Close()
	if body, _ := io.ReadAll(stats.Body); !strings.Contains(string(body), `"issued":1`) {
		t.Errorf("stats: %s", body)
	}
}

func TestEnvironmentIsReadyToPaste(t *testing.T) {
	out := begin(t)
	var got []string
	for {
		line, err := out.ReadString('\n')
		if err != nil || strings.HasPrefix(line, "Control:") {
			break
		}
		if rest, ok := strings.CutPrefix(line, "export "); ok {
			name, _, _ := strings.Cut(rest, "=")
			got = append(got, name)
		}
	}
	want := "DATAVERSE_URL AZURE_AUTHORITY_HOST AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_SECRET"
	if strings.Join(got, " ") != want {
		t.Errorf("exports %v, want %s", got, want)
	}
}

func TestExitCodes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		args   string
		want   int
		stdout string
		stderr string
	}{
		{"help", "--help", exitOK, "--token-lifetime", ""},
		{"unknown flag", "--nonsense", exitUsage, "", "nonsense"},
		{"argument", "go", exitUsage, "", "flags only"},
		{"two mistakes", "--page-size -1 --token-lifetime -1s", exitUsage, "", "--page-size"},
		{"fault that is no JSON", "--entra-fault oops", exitUsage, "", "entra-fault"},
		{"fault of unknown kind", `--dataverse-fault {"kind":"flood"}`, exitUsage, "", "flood"},
		{"fault with a typo", `--entra-fault {"kindd":"reset"}`, exitUsage, "", "kindd"},
		{"address in no form", "--entra-listen nowhere", exitFailed, "", "listen on nowhere"},
		{"no such certificate", "--cert-file absent.pem", exitUsage, "", "--cert-file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			code := run(ctx, strings.Fields(tt.args), &stdout, &stderr)
			if code != tt.want || !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("exit %d, want %d\nstdout: %s\nstderr: %s", code, tt.want, stdout.String(), stderr.String())
			}
		})
	}
}

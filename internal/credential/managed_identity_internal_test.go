package credential

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// statuses answers with one status after the other, and then with a token.
type statuses struct {
	left []int
	at   []time.Time
	wait string // Retry-After
}

func (s *statuses) RoundTrip(*http.Request) (*http.Response, error) {
	s.at = append(s.at, time.Now())
	resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"access_token":"t","expires_in":"60"}`))}
	if len(s.left) > 0 {
		resp.StatusCode, s.left = s.left[0], s.left[1:]
		resp.Header.Set("Retry-After", s.wait)
		resp.Body = io.NopCloser(strings.NewReader("busy"))
	}
	return resp, nil
}

func TestManagedIdentityRetries(t *testing.T) {
	tests := []struct {
		name  string
		in    []int
		after string        // Retry-After
		limit time.Duration // of the context; 0: none
		tries int
		took  time.Duration
		ok    bool
	}{
		{"not found for a moment", []int{404, 404}, "", 0, 3, 3 * time.Second, true},
		{"throttled", []int{429}, "", 0, 2, time.Second, true},
		{"throttled, and says for how long", []int{429}, "5", 0, 2, 5 * time.Second, true},
		{"faults", []int{500, 503, 504}, "", 0, 4, 7 * time.Second, true},
		{"faults that stay", []int{500, 500, 500, 500}, "", 0, 4, 7 * time.Second, false},
		{"updated for a minute", []int{410, 410, 410, 410, 410, 410}, "", 0, 7, time.Minute, true},
		{"gone for good", []int{410, 410, 410, 410, 410, 410, 410, 410}, "", 0, 8, 70 * time.Second, false},
		{"gone, and no time to wait", []int{410}, "", 10*time.Second - 1, 1, 0, false},
		{"a fault, and time for two tries", []int{500, 500}, "", 2 * time.Second, 2, time.Second, false},
		{"a plain refusal", []int{400}, "", 0, 1, 0, false},
		{"another", []int{403}, "", 0, 1, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := &statuses{left: tt.in, wait: tt.after}
				source := &ManagedIdentity{host: virtualMachine(""), resource: "r", client: newClient(fake)}
				ctx := t.Context()
				if tt.limit > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.limit)
					defer cancel()
				}
				start := time.Now()
				_, err := source.Token(ctx, "")
				if took := time.Since(start); (err == nil) != tt.ok || len(fake.at) != tt.tries || took != tt.took {
					t.Errorf("%v after %d tries and %v, want %d and %v", err, len(fake.at), took, tt.tries, tt.took)
				}
			})
		})
	}
}

func TestManagedIdentityStopsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		source := &ManagedIdentity{host: virtualMachine(""), resource: "r", client: newClient(&statuses{left: []int{410}})}
		start := time.Now()
		if _, err := source.Token(ctx, ""); err == nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v, want an error after 1 s", err, time.Since(start))
		}
	})
}

func TestWhereArcIs(t *testing.T) {
	windows := func(name string) string {
		return map[string]string{"ProgramData": "P", "ProgramFiles": "F"}[name]
	}
	nothing := func(string) string { return "" }
	for _, tt := range []struct {
		system string
		getenv func(string) string
		want   string
	}{
		{"linux", nothing, "/var/opt/azcmagent/tokens"},
		{"windows", windows, "P/AzureConnectedMachineAgent/Tokens"},
		{"windows", nothing, ""},
		{"darwin", nothing, ""},
	} {
		if got := strings.ReplaceAll(arcFolder(tt.system, tt.getenv), `\`, "/"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.system, got, tt.want)
		}
		if runsArc(tt.system, tt.getenv) && tt.system != "linux" {
			t.Errorf("%s: an agent where there is none", tt.system)
		}
	}
}

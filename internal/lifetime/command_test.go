package lifetime

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary stand in for a command that prints a token.
func TestMain(m *testing.M) {
	if text, ok := os.LookupEnv("PRINT"); ok {
		if os.Getenv("FLOOD") != "" {
			text = strings.Repeat(text, 20000)
		}
		fmt.Print(text)
		fmt.Fprint(os.Stderr, canary)
		if os.Getenv("FAIL") != "" {
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestCommandTokens(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, prints, fail, flood string
		want                      string // in the error, if there is one
	}{
		{"token", canary + "\r\n", "", "", ""},
		{"flood", canary, "", "1", "printed no token"},
		{"failure", canary, "1", "", "exit status 3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("PRINT", tt.prints)
			t.Setenv("FAIL", tt.fail)
			t.Setenv("FLOOD", tt.flood)
			tokens, err := CommandTokens("'" + self + "' -x \"a b\"")
			if err != nil {
				t.Fatal(err)
			}
			token, _, err := tokens(t.Context())
			if tt.want == "" && (err != nil || token != canary) {
				t.Errorf("%q, %v", token, err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "eyJ") {
				t.Errorf("the token shows: %v", err)
			}
		})
	}
	tokens, err := CommandTokens("no-such-command --with " + canary)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := tokens(t.Context()); err == nil || !strings.Contains(err.Error(), "no-such-command") || strings.Contains(err.Error(), "eyJ") {
		t.Error(err)
	}
}

func TestPrinted(t *testing.T) {
	for in, want := range map[string]string{
		canary + "\n": canary,
		`{"accessToken": "` + canary + `", "expiresOn": "2026-01-01", "tokenType": "Bearer"}` + "\n": canary,
		`{"access_token":"` + canary + `"}`: canary,
		`"` + canary + `"` + "\r\n":         canary,
		"\xef\xbb\xbf" + canary:             canary,
		"":                                  "",
		"here is it: " + canary:             "",
		canary + "\n" + canary:              "",
		`{"token":"` + canary + `"}`:        "",
		`{"accessToken":"` + canary:         "",
		`{"accessToken":"two words"}`:       "",
	} {
		if got := printed([]byte(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestSplit(t *testing.T) {
	for in, want := range map[string][]string{
		"az account get-access-token":       {"az", "account", "get-access-token"},
		"  a\t b \n":                        {"a", "b"},
		`"C:\Program Files\az.cmd" 'x "y"'`: {`C:\Program Files\az.cmd`, `x "y"`},
		`a --b="c d"e ''`:                   {"a", "--b=c de", ""},
		"a $(b) | c; d":                     {"a", "$(b)", "|", "c;", "d"},
		"":                                  nil,
		"  ":                                nil,
		"''":                                nil,
		"a 'b":                              nil,
	} {
		if got, err := split(in); !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("split(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

// Words that are quoted come back as they were.
func FuzzSplit(f *testing.F) {
	f.Add("az", "--resource", "https://graph.microsoft.com")
	f.Add(`C:\Program Files\az`, "a b", `say "x"`)
	f.Add("a", "", "\t")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		words := []string{a, b, c}
		var line []string
		for _, w := range words {
			if w == "" && len(line) == 0 || strings.Contains(w, "'") || strings.ToValidUTF8(w, "") != w {
				t.Skip()
			}
			line = append(line, "'"+w+"'")
		}
		got, err := split(strings.Join(line, " "))
		if err != nil || !slices.Equal(got, words) {
			t.Errorf("%q became %q, %v", words, got, err)
		}
	})
}

func TestACommandThatHangsIsEnded(t *testing.T) {
	tokens, err := CommandTokens("sleep 60")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, _, err := tokens(ctx); err == nil || time.Since(start) > 10*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

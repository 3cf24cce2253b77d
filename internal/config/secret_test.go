package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

func TestSecretIsNeverShown(t *testing.T) {
	type inner struct{ s Secret }
	for _, secret := range []string{"canary", ""} {
		s := NewSecret(secret)
		if s.Reveal() != secret {
			t.Errorf("reveals %q", s.Reveal())
		}
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "secret", s, "config", Credential{ClientSecret: s})
		asJSON, _ := json.Marshal(Credential{ClientSecret: s})
		asYAML, _ := yaml.Dump(Credential{ClientSecret: s})
		for _, got := range []string{
			fmt.Sprint(s), fmt.Sprintf("%s %q %x %d %+v %#v", s, s, s, s, s, s), s.String(), s.GoString(),
			fmt.Sprintf("%v %+v %#v", inner{s}, inner{s}, &inner{s}),
			fmt.Sprintf("%v %+v %#v", &s, Config{Environments: []Environment{{Credential: Credential{ClientSecret: s}}}}, []Secret{s}),
			log.String(), string(asJSON), string(asYAML),
		} {
			if strings.Contains(got, "canary") || strings.Contains(got, "63616e617279") {
				t.Errorf("shows the secret: %s", got)
			}
		}
		if got := s.String(); (got == "") != (secret == "") {
			t.Errorf("secret %q is shown as %q", secret, got)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, row := range []struct {
		in   string
		want string // as printed; empty for an error
	}{
		{"0", "0"},
		{"1", "1"},
		{"1000", "1000"},
		{"1024", "1KiB"},
		{"256KiB", "256KiB"},
		{"1024 KiB", "1MiB"},
		{"128MiB", "128MiB"},
		{"3GiB", "3GiB"},
		{"8589934591GiB", "8589934591GiB"},
		{"8589934592GiB", ""},
		{"99999999999999999999", ""},
		{"1.5MiB", ""},
		{"1MB", ""},
		{"1M", ""},
		{"1 B", ""},
		{"KiB", ""},
		{"", ""},
		{"1kib", ""},
	} {
		got, err := ParseSize(row.in)
		if text := got.String(); (err == nil) != (row.want != "") || err == nil && text != row.want {
			t.Errorf("%q: got %s, %v, want %q", row.in, text, err, row.want)
		}
	}
}

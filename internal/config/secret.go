package config

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a text that no formatting, logging or encoding gives away: all show
// "[redacted]", or nothing if it is empty, so that an unset secret is seen to
// be unset. Only [Secret.Reveal] gives the text.
type Secret struct {
	// A pointer, since fmt prints an unexported Secret field of another struct
	// without calling any method: it then shows an address and not the text.
	text *string
}

// NewSecret makes a Secret of s.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{&s}
}

// Reveal is the text itself, to be sent and never shown.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.text == nil }

// Equal reports whether both hold the same text.
func (s Secret) Equal(t Secret) bool { return s.Reveal() == t.Reveal() }

// String is "[redacted]", or empty if there is no secret.
func (s Secret) String() string {
	if s.text == nil {
		return ""
	}
	return redacted
}

// GoString is [Secret.String], for %#v.
func (s Secret) GoString() string { return s.String() }

// Format writes [Secret.String] whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue is [Secret.String], for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is [Secret.String].
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON is [Secret.String] in quotes.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// MarshalYAML is [Secret.String].
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

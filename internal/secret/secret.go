// Package secret has the types for credentials. They are here, and not in the root package, because
// package batcher needs them too.
package secret

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"log/slog"
)

// Redacted is what a secret prints as.
const Redacted = "[REDACTED]"

// Secret is a credential as a program hands it in. See playline.Secret.
type Secret string

// Hold returns a holder of the secret.
func (s Secret) Hold() Held {
	if s == "" {
		return Held{}
	}
	return Held{func() Secret { return s }}
}

// String returns [REDACTED].
func (Secret) String() string { return Redacted }

// GoString returns [REDACTED].
func (Secret) GoString() string { return Redacted }

// Format prints [REDACTED] for every verb: %x and %q of a plain string type would show it.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Redacted)) }

// LogValue logs [REDACTED].
func (Secret) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText writes [REDACTED], and with it every encoder that goes by text.
func (Secret) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalJSON writes "[REDACTED]".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// Held holds a secret. See playline.HeldSecret.
type Held struct {
	reveal func() Secret // nil for the empty one; a walker prints the address of a function
}

// Secret returns what is held, "" if nothing is.
func (h Held) Secret() Secret {
	if h.reveal == nil {
		return ""
	}
	return h.reveal()
}

// IsZero reports whether nothing is held.
func (h Held) IsZero() bool { return h.reveal == nil }

// Equal reports whether both hold the same. How long it takes does not depend on where they differ.
func (h Held) Equal(other Held) bool {
	return subtle.ConstantTimeCompare([]byte(h.Secret()), []byte(other.Secret())) == 1
}

// String returns [REDACTED].
func (Held) String() string { return Redacted }

// GoString returns [REDACTED].
func (Held) GoString() string { return Redacted }

// Format prints [REDACTED] for every verb.
func (Held) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Redacted)) }

// LogValue logs [REDACTED].
func (Held) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText writes [REDACTED], and with it every encoder that goes by text.
func (Held) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalJSON writes "[REDACTED]".
func (Held) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// UnmarshalJSON takes a string into the holder. Its error does not repeat what it found.
func (h *Held) UnmarshalJSON(b []byte) error {
	var s *string
	if json.Unmarshal(b, &s) != nil {
		return fmt.Errorf("a secret is a string in JSON, and this is %s", kind(b))
	}
	if *h = (Held{}); s != nil {
		*h = Secret(*s).Hold()
	}
	return nil
}

func kind(b []byte) string {
	switch b[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a bool"
	}
	return "a number"
}

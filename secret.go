package playline

import (
	"fmt"
	"log/slog"
)

// Secret is a credential: it prints, logs and marshals as [REDACTED], whatever the verb or the encoder.
//
// One limit is Go's own: fmt calls no methods on unexported fields. A struct of yours with a Secret in such a field shows it when the whole
// struct is printed.
//
// To read it, convert it: string(s). An untyped string constant becomes a Secret by itself.
type Secret string

const redacted = "[REDACTED]"

// String returns [REDACTED].
func (Secret) String() string { return redacted }

// GoString returns [REDACTED].
func (Secret) GoString() string { return redacted }

// Format prints [REDACTED] for every verb: %x and %q of a plain string type would show it.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue logs [REDACTED].
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText writes [REDACTED], and with it every encoder that goes by text.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON writes "[REDACTED]".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

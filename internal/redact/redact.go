// Package redact takes out of a text what must not be seen: the secrets of a request, addresses,
// phone numbers and signed tokens, in whatever form a service or a gateway repeats them.
//
// The text is compared as a normalised copy (normal.go) of which each character knows where it
// comes from: without control and format characters, with escapes undone one layer at a time, in
// one case, and with base64 and its like decoded (runs.go). Found are whole secrets and parts of
// eight characters or more (secrets.go), and what is private by its shape (private.go).
package redact

import (
	"strings"
	"unicode"
)

// Mark stands for what was taken out.
const Mark = "[REDACTED]"

const (
	// maxText is how many bytes of a text are looked at. It is far more than anybody keeps of it.
	maxText = 16 << 10
	// maxDepth is how many encodings of the kind of base64 are undone, one within the other.
	maxDepth = 3
)

// Text returns a text without the secrets and without what is private. Control characters become
// spaces, and format characters, which can turn a line of a log around, are left out. A text of
// more than 16 KiB is cut.
func Text(text string, secrets []string) string {
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	hidden := make([]bool, len(text))
	find(text, newPatterns(secrets), 0, func(from, to int) bool {
		for i := from; i < to; i++ {
			hidden[i] = true
		}
		return true
	})
	var out strings.Builder
	for i, r := range text {
		switch {
		case hidden[i]:
			if i == 0 || !hidden[i-1] {
				out.WriteString(Mark)
			}
		case unicode.IsControl(r):
			out.WriteByte(' ')
		case !invisible(r):
			out.WriteRune(r)
		}
	}
	return strings.TrimSpace(out.String())
}

// Holds reports whether a text holds a secret or anything private.
func Holds(text string, secrets []string) bool { return holds(text, newPatterns(secrets), 0) }

// find calls found with each part of the text that must not be seen, until it returns false. depth
// is how many encodings were undone to get at the text.
func find(text string, secrets []pattern, depth int, found func(from, to int) bool) {
	for _, layer := range layers(text) {
		if !findSecrets(layer, secrets, found) || !findPrivate(layer, depth, found) || !findEncoded(layer, secrets, depth, found) {
			return
		}
	}
}

// holds reports whether there is anything in the text that must not be seen.
func holds(text string, secrets []pattern, depth int) bool {
	found := false
	find(text, secrets, depth, func(int, int) bool {
		found = true
		return false
	})
	return found
}

package emulator

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"
)

// A name says that its value is a secret, see isSecret. Some secrets say it themselves, in any
// place: in an event's data, in an id, in a path.

// withoutTokens replaces what looks like a token in a text: a JWT, base64 or hexadecimal digits
// that only chance would make, or a word with the prefix of a well-known kind of key.
func withoutTokens(text string) string {
	var out strings.Builder
	done := 0
	for start := 0; start < len(text); {
		end := start
		for end < len(text) && isTokenByte(text[end]) {
			end++
		}
		if end == start {
			start += escaped(text[start:])
			continue
		}
		for _, token := range tokensIn(text[start:end]) {
			out.WriteString(text[done : start+token.from])
			out.WriteString(hidden)
			done = start + token.to
		}
		start = end
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

// escaped returns how many bytes are no part of a token at the start of a text that begins with
// none of its bytes: one, or a whole escape of JSON, whose letter would otherwise count for the
// token behind it.
func escaped(text string) int {
	if len(text) < 2 || text[0] != '\\' {
		return 1
	}
	switch text[1] {
	case 'n', 't', 'r', 'b', 'f':
		return 2
	case 'u':
		return min(6, len(text))
	}
	return 1
}

// isTokenByte reports whether a byte may be part of a token: those of base64 in both alphabets, the
// dots of a JWT, and the percent sign that escapes them in a path.
func isTokenByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("+/=-_.%", b) >= 0
}

// keyPrefixes begin the keys of well-known services, in small letters.
var keyPrefixes = []string{
	"sk_", "sk-", "rk_", "pk_live_", "whsec_", "xoxb-", "xoxp-", "xapp-", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-",
	"app_live_", "key_live_", "shpat_", "pypi-", "ya29.",
}

// place is a part of a text.
type place struct{ from, to int }

// tokensIn returns the tokens of a run of token bytes. A slash parts the words of a path, each of
// which may be a token, but it may also be a digit of base64: so parts beside each other that only
// chance would make, or that are too short to tell, are looked at together.
func tokensIn(run string) []place {
	var tokens []place
	drawn := place{-1, -1} // the parts that only chance would make, as long as they follow each other
	found := false         // one of them is a token by itself
	end := func() {
		if drawn.from >= 0 && (found || byChance(run[drawn.from:drawn.to])) {
			tokens = append(tokens, drawn)
		}
		drawn, found = place{-1, -1}, false
	}
	for from := 0; from <= len(run); {
		part := run[from:]
		if i := strings.IndexByte(part, '/'); i >= 0 {
			part = part[:i]
		}
		to := from + len(part)
		if at, ok := keyIn(part); ok {
			end()
			tokens = append(tokens, place{from + at, to})
		} else if changes, letters, kinds := mixture(part); part != "" && letters < 4 || byChance(part) || kinds >= 2 && 6*changes >= letters {
			if drawn.from < 0 {
				drawn.from = from
			}
			drawn.to = to
			found = found || byChance(part)
		} else {
			end()
		}
		from = to + 1
	}
	end()
	return tokens
}

// keyIn reports whether a run of token bytes ends in a key that its beginning gives away, and where
// that begins.
func keyIn(run string) (from int, ok bool) {
	lower := strings.ToLower(run)
	for _, prefix := range keyPrefixes {
		// at the start of a word only: task_list has no key
		for at := 0; ; at++ {
			i := strings.Index(lower[at:], prefix)
			if i < 0 {
				break
			}
			at += i
			const least = 6 // characters after the prefix
			if len(run)-at-len(prefix) >= least && beginsWord(run, at) {
				return at, true
			}
		}
	}
	// a JWT begins with {" in base64, whatever follows
	if i := strings.Index(run, "eyJ"); i >= 0 && len(run)-i >= 16 && beginsWord(run, i) {
		return i, true
	}
	return 0, false
}

// beginsWord reports whether a word begins at a place in a run: nothing, a sign or an escaped byte
// is before it.
func beginsWord(run string, at int) bool {
	return at == 0 || strings.IndexByte("+/=-_.%", run[at-1]) >= 0 || at >= 3 && run[at-3] == '%'
}

// byChance reports whether only chance makes such a text: 40 or more hexadecimal digits, or 28 or
// more characters of base64 whose kind (capital, small, digit) changes as often as it does where
// each is drawn, which is in two of three places. Between the words of a name or a path it changes
// in one of three at most.
func byChance(run string) bool {
	const leastHex, leastBase64 = 40, 28
	if len(run) >= leastHex && strings.Trim(run, "0123456789abcdef") == "" {
		return true
	}
	changes, letters, kinds := mixture(run)
	often := 35 // percent
	if kinds == 2 {
		often = 45 // names in camel case have capitals and small letters too
	}
	return len(run) >= leastBase64 && 7*letters >= 6*leastBase64 && kinds >= 2 && strings.ToLower(run) != run && strings.ToUpper(run) != run && 100*changes >= often*letters
}

// mixture counts the letters and digits of a text, of how many kinds they are (capital, small,
// digit), and how often the kind changes from one to the next.
func mixture(text string) (changes, letters, kinds int) {
	var seen [3]int
	before := -1
	for i := range len(text) {
		var kind int
		switch b := text[i]; {
		case b >= 'a' && b <= 'z':
			kind = 0
		case b >= 'A' && b <= 'Z':
			kind = 1
		case b >= '0' && b <= '9':
			kind = 2
		default:
			continue
		}
		seen[kind] = 1
		letters++
		if before >= 0 && kind != before {
			changes++
		}
		before = kind
	}
	return changes, letters, seen[0] + seen[1] + seen[2]
}

// shownID is a player's id as the inspector shows it. One that looks like a token gets a name of
// its own, by which the inspector finds it again.
func shownID(id string) string {
	if withoutTokens(id) == id {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "[hidden-" + hex.EncodeToString(sum[:4]) + "]"
}

// idOf returns the player whom the inspector shows under an id.
func (e *Emulator) idOf(shown string) string {
	if strings.HasPrefix(shown, "[hidden-") {
		for id := range e.playerIDs() {
			if shownID(id) == shown {
				return id
			}
		}
	}
	return shown
}

// tokenFilter writes JSON to a viewer with what looks like a token left out, so that no field can
// be forgotten. A token is ASCII, and JSON escapes none of its
// bytes.
type tokenFilter struct{ to io.Writer }

// Write expects whole values: encoding/json writes each with one call.
func (f tokenFilter) Write(encoded []byte) (int, error) {
	if _, err := io.WriteString(f.to, withoutTokens(string(encoded))); err != nil {
		return 0, err
	}
	return len(encoded), nil
}

// viewerJSON encodes what a viewer gets.
func viewerJSON(to io.Writer) *json.Encoder {
	encoder := json.NewEncoder(tokenFilter{to})
	encoder.SetEscapeHTML(false)
	return encoder
}

// clipped leaves tokens out of a text and cuts it after limit bytes, between characters.
func clipped(text string, limit int) string {
	// a cut token may not look like one any more, so the tokens go first; far behind the cut nobody
	// sees them
	if far := 4 * limit; len(text) > far {
		text = text[:far]
	}
	text = withoutTokens(text)
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "\u2026"
}

// Package wire turns Go values into the parts of a request that are easy to get wrong: escaped
// paths and query strings.
package wire

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// ArgError says which argument cannot be part of a path, and why. It does not repeat the value: ids
// can be personal.
type ArgError struct {
	Name string // the placeholder in the template, such as player_id
	Rule string // what it must be
}

// Error names the argument and the rule.
func (e *ArgError) Error() string { return e.Name + ": " + e.Rule }

// Path fills the placeholders of a template such as /players/{player_id} and returns the escaped
// path.
//
// A placeholder that fixed holds takes its value from there; the others take args in order. An
// argument becomes exactly one segment: a slash in it is escaped, and what a server or proxy could
// read as another path (an empty segment, "." and ".." alone or between slashes, which
// url.PathEscape leaves as they are) is an *ArgError, as are control characters and invalid UTF-8.
func Path(template string, fixed map[string]string, args ...string) (string, error) {
	var b strings.Builder
	rest := template
	for {
		before, after, found := strings.Cut(rest, "{")
		b.WriteString(before)
		if !found {
			break
		}
		name, tail, _ := strings.Cut(after, "}")
		rest = tail
		value, isFixed := fixed[name]
		if !isFixed {
			if len(args) == 0 {
				return "", &ArgError{name, "is missing"}
			}
			value, args = args[0], args[1:]
		}
		if rule := segmentRule(value); rule != "" {
			return "", &ArgError{name, rule}
		}
		b.WriteString(url.PathEscape(value))
	}
	if len(args) > 0 {
		return "", &ArgError{template, "has fewer placeholders than arguments"}
	}
	return b.String(), nil
}

// segmentRule returns the rule that a value breaks as a path segment, or "".
func segmentRule(s string) string {
	switch {
	case s == "":
		return "must not be empty"
	case isDots(s):
		return `must not be "." or ".."`
	case slices.ContainsFunc(strings.FieldsFunc(s, isSlash), isDots):
		// The slashes are escaped, but a proxy that unescapes before it cleans the path would walk
		// up.
		return `must not hold "." or ".." between slashes`
	case !utf8.ValidString(s):
		return "must be valid UTF-8"
	case strings.ContainsFunc(s, isControl):
		return "must not hold control characters"
	}
	return ""
}

func isSlash(r rune) bool { return r == '/' || r == '\\' }

func isDots(part string) bool { return part == "." || part == ".." }

func isControl(r rune) bool { return r < 0x20 || r >= 0x7f && r <= 0x9f }

// Join puts an escaped path behind a base URL, whose own path stays as a prefix.
func Join(base *url.URL, escaped, query string) *url.URL {
	u := *base
	full := strings.TrimSuffix(base.EscapedPath(), "/") + escaped
	// Path must be the unescaped form of RawPath, or net/url ignores RawPath; full is made of
	// escaped parts only.
	u.Path, _ = url.PathUnescape(full)
	u.RawPath = full
	u.RawQuery = query
	return &u
}

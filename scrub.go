package playline

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// maxMessage is how many characters of a service's words are kept.
const maxMessage = 300

// private matches e-mail addresses and international phone numbers, also as they stand in a query, and signed tokens.
var private = regexp.MustCompile(`[^\s"'<>@]+(?:(?:@|%40)[^\s"'<>@]+)+` +
	`|(?:\+|%2[Bb])[0-9][0-9 ()-]{5,}[0-9]` +
	`|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`)

// scrub makes a service's words fit for an error and a log: services repeat what they refuse, so the message of a refused OTP
// can hold the OTP, and one that shows the request's URL holds it escaped. What was secret in the request, addresses and phone
// numbers are left out, and control characters too.
func scrub(message string, secrets []string) string {
	for _, s := range secrets {
		for _, form := range [...]string{s, url.QueryEscape(s), url.PathEscape(s)} {
			if form != "" {
				message = strings.ReplaceAll(message, form, redacted)
			}
		}
	}
	// Before what is private is looked for: a number that was broken by a control character would become whole again.
	message = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, message)
	// What stands around a number that was left out can be an address with it.
	for private.MatchString(message) {
		message = private.ReplaceAllString(message, redacted)
	}
	if runes := []rune(message); len(runes) > maxMessage {
		message = string(runes[:maxMessage]) + "..."
	}
	return strings.TrimSpace(message)
}

// scrubError makes the words of an error fit in the same way: net/http quotes what it cannot read of an answer.
func scrubError(err error, secrets []string) error {
	if err == nil {
		return nil
	}
	if text := scrub(err.Error(), secrets); text != err.Error() {
		return &scrubbedError{text, err}
	}
	return err
}

// scrubbedError stands for an error whose own words must not be seen. It has no Unwrap: what reports errors walks down by it and writes
// down each one that it finds. errors.Is and errors.As look through it all the same.
type scrubbedError struct {
	text string
	err  error
}

func (e *scrubbedError) Error() string { return e.text }

// GoString is Error: the default would print the error behind it.
func (e *scrubbedError) GoString() string { return e.text }

// Is reports whether the error behind it is target.
func (e *scrubbedError) Is(target error) bool { return errors.Is(e.err, target) }

// As finds a type in the error behind it.
func (e *scrubbedError) As(target any) bool { return errors.As(e.err, target) }

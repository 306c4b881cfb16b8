package playline

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// maxMessage is how many characters of a service's words are kept.
const maxMessage = 300

// private matches e-mail addresses and international phone numbers, also as they stand in a query, and signed tokens.
var private = regexp.MustCompile(`[^\s"'<>@]+(?:@|%40)[^\s"'<>@]+` +
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
	message = private.ReplaceAllString(message, redacted)
	message = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, message)
	if runes := []rune(message); len(runes) > maxMessage {
		message = string(runes[:maxMessage]) + "..."
	}
	return strings.TrimSpace(message)
}

// scrubError makes the words of an error fit in the same way: net/http quotes what it cannot read of an answer. The error itself
// stays behind them, for errors.Is and errors.As.
func scrubError(err error, secrets []string) error {
	if err == nil {
		return nil
	}
	if text := scrub(err.Error(), secrets); text != err.Error() {
		return &scrubbedError{text, err}
	}
	return err
}

type scrubbedError struct {
	text string
	err  error
}

func (e *scrubbedError) Error() string { return e.text }

// GoString is Error: the default would print the error behind it.
func (e *scrubbedError) GoString() string { return e.text }

func (e *scrubbedError) Unwrap() error { return e.err }

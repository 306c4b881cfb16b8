package playline

import (
	"errors"

	"github.com/playline/playline-go/internal/redact"
)

// maxMessage is how many characters of a service's words are kept.
const maxMessage = 300

// scrub makes a service's words fit for an error and a log: services repeat what they refuse, so the message of a refused OTP
// can hold the OTP, and one that shows the request's URL holds it escaped. Package redact says what is left out.
func scrub(message string, secrets []string) string {
	message = redact.Text(message, secrets)
	if runes := []rune(message); len(runes) > maxMessage {
		message = string(runes[:maxMessage]) + "..."
	}
	return message
}

// scrubID returns a request id, or "" if it holds anything that scrub would take out.
func scrubID(id string, secrets []string) string {
	if id == "" || redact.Holds(id, secrets) {
		return ""
	}
	return id
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

package playline

import (
	"regexp"
	"strings"
	"unicode"
)

// maxMessage is how many characters of a service's words are kept.
const maxMessage = 300

// personal matches e-mail addresses and international phone numbers.
var personal = regexp.MustCompile(`[^\s"'<>@]+@[^\s"'<>@]+|\+[0-9][0-9 ()-]{5,}[0-9]`)

// scrub makes a service's words fit for an error and a log: services repeat what they refuse, so the message of a refused OTP
// can hold the OTP. What was secret in the request, addresses and phone numbers are left out, and control characters too.
func scrub(message string, secrets []string) string {
	for _, s := range secrets {
		if s != "" {
			message = strings.ReplaceAll(message, s, redacted)
		}
	}
	message = personal.ReplaceAllString(message, redacted)
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

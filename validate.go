package playline

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The rules that several types share. Each returns the rule that the value breaks, or "".

var (
	e164         = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	clock        = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)
	phoneWritten = regexp.MustCompile(`^\(?\+?[1-9][0-9 .()-]*[0-9]$`)
	phoneSpaced  = regexp.MustCompile(`^\+[1-9][0-9 -]{5,24}[0-9]$`)
)

func textRule(s string) string {
	switch {
	case s == "":
		return "must not be empty"
	case !utf8.ValidString(s):
		return "must be valid UTF-8"
	}
	return ""
}

func optionalText(s string) string {
	if s == "" {
		return ""
	}
	return textRule(s)
}

func lengthRule(s string, most int) string {
	if utf8.RuneCountInString(s) > most {
		return fmt.Sprintf("must have at most %d characters", most)
	}
	return optionalText(s)
}

// e164Rule checks a phone number; "" is none.
func e164Rule(s string) string {
	if s != "" && !e164.MatchString(s) {
		return "must be a phone number in E.164 form: + and 7 to 15 digits, as in +61400000000"
	}
	return ""
}

// phoneRule checks a phone number that begins with its country code, with or without +, and may hold what
// people write between the digits; "" is none.
func phoneRule(s string) string {
	digits := phoneMarks.Replace(s)
	if s == "" || phoneWritten.MatchString(s) && len(digits) >= 7 && len(digits) <= 15 {
		return ""
	}
	return "must be a phone number with its country code, best in E.164 form: + and 7 to 15 digits, as in +61400000000"
}

// emailRule finds what is surely no address; whether one works is for the service to say.
func emailRule(s string) string {
	local, domain, found := strings.Cut(s, "@")
	if s == "" || found && local != "" && domain != "" && !strings.ContainsAny(domain, "@ ") && !strings.ContainsFunc(s, isSpaceOrControl) &&
		utf8.ValidString(s) {
		return ""
	}
	return "must be an e-mail address, as in ace@example.com"
}

func isSpaceOrControl(r rune) bool { return r <= ' ' || r == 0x7f }

// credentialRule checks what goes into a header.
func credentialRule(s string) string {
	switch {
	case s == "":
		return "must not be empty"
	case !isPrintable(s) || strings.ContainsAny(s, " \t"):
		return "must hold printable ASCII characters only, and no spaces"
	}
	return ""
}

func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '-' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return s != ""
}

// check is one row of a type's Validate: a field and the rule that it breaks, "" where it breaks none.
type check struct{ field, rule string }

// firstOf returns the first broken rule as an error.
func firstOf(checks ...check) error {
	for _, c := range checks {
		if c.rule != "" {
			return &ValidationError{c.field, c.rule}
		}
	}
	return nil
}

// within puts a field of an inner type behind its place in the outer one.
func within(place string, err error) error {
	if v, ok := err.(*ValidationError); ok { //nolint:errorlint // Validate methods return it bare
		return &ValidationError{place + "." + v.Field, v.Rule}
	}
	return err
}

func ruleIf(broken bool, rule string) string {
	if broken {
		return rule
	}
	return ""
}

package emulator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// hidden takes the place of a secret.
const hidden = "[hidden]"

// isSecret reports whether values under a name are not to be shown, whatever its spelling:
// accessToken, access_token, OTP.
func isSecret(name string) bool {
	name = strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(name))
	for _, part := range []string{"password", "passwd", "secret", "token", "apikey", "authorization", "credential", "passcode"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return strings.HasPrefix(name, "otp") || strings.HasSuffix(name, "otp")
}

// holdsDevices reports whether a text under a name is the token of a device.
func holdsDevices(name string) bool { return name == "push" || name == "inapp" }

// withoutSecrets replaces the text below the names of secrets, and of devices. A number that is
// called token is the game's currency and stays; a number that is called otp or password is one.
func withoutSecrets(name string, value any, secret bool) any {
	secret = secret || isSecret(name)
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			// an answer names the device under its channel
			value[key] = withoutSecrets(key, inner, secret || holdsDevices(name) && key == "destination" && inner != "")
		}
	case []any:
		for i, inner := range value {
			value[i] = withoutSecrets(name, inner, secret)
		}
	case string:
		if secret || holdsDevices(name) && value != optedIn && value != optedOut {
			return hidden
		}
	case json.Number:
		if secret && !strings.Contains(strings.ToLower(name), "token") {
			return hidden
		}
	}
	return value
}

// readable prints JSON in lines, without secrets, cut after limit bytes. A body that is no JSON is
// not shown: nobody knows what is in it.
func readable(body []byte, limit int) string {
	if len(body) == 0 {
		return ""
	}
	return printed(body, limit, "  ")
}

// inOneLine prints JSON in a line, without secrets, cut after limit bytes.
func inOneLine(body []byte, limit int) string {
	if len(body) == 0 {
		return ""
	}
	return printed(body, limit, "")
}

func printed(body []byte, limit int, indent string) string {
	value, v := parseJSON(body)
	if v != nil {
		return "(not JSON, or broken: not shown)"
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(withoutSecrets("", value, false)); err != nil {
		return "(" + err.Error() + ")"
	}
	return clipped(strings.TrimSuffix(out.String(), "\n"), limit)
}

// sortedKeys returns a map's keys in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

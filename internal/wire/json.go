package wire

import "bytes"

// TimestampLayout is how PlaySmart gets times: UTC as +00:00, because it asks for a numeric offset
// where Go writes a Z, and with milliseconds. The vendor's examples have whole seconds, and many
// parsers take three or six digits and no others.
const TimestampLayout = "2006-01-02T15:04:05.000-07:00"

// ReplacedBytes reports whether encoding/json met bytes that are not UTF-8 while it wrote encoded:
// it writes them as the escape \ufffd, but the character of that number as itself. An escaped
// backslash before "ufffd" is no escape.
func ReplacedBytes(encoded []byte) bool {
	for rest := encoded; ; {
		before, after, found := bytes.Cut(rest, []byte(`\ufffd`))
		if !found {
			return false
		}
		if backslashes := len(before) - len(bytes.TrimRight(before, `\`)); backslashes%2 == 0 {
			return true
		}
		rest = after
	}
}

package wire

import "bytes"

// TimestampLayout writes UTC as +00:00: PlaySmart asks for a numeric offset, and RFC 3339 as Go writes it has a Z.
const TimestampLayout = "2006-01-02T15:04:05.999999999-07:00"

// ReplacedBytes reports whether encoding/json met bytes that are not UTF-8 while it wrote encoded: it writes them as the escape
// \ufffd, but the character of that number as itself. An escaped backslash before "ufffd" is no escape.
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

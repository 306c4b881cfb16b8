package playercsv

import (
	"strings"
	"unicode/utf8"
)

// A person opens the failed rows in a spreadsheet program, which runs a cell that begins with one
// of formulaStarts. So text from the file or from the service is written with an apostrophe in
// front of it, which keeps it text. The reader takes the apostrophe off.

// formulaStarts are the characters that begin a formula, also in the wide forms of some keyboards.
const formulaStarts = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"

// runs reports whether a spreadsheet program takes a cell for a formula. A signed number is
// harmless, so a phone number stays as it is.
func runs(cell string) bool {
	cell = strings.TrimLeft(cell, " \u00a0")
	first, size := utf8.DecodeRuneInString(cell)
	if size == 0 || !strings.ContainsRune(formulaStarts, first) {
		return false
	}
	signed := first == '+' || first == '-'
	return !signed || strings.Trim(cell[size:], "0123456789") != ""
}

// asText returns a cell, or a whole line, of which a spreadsheet program runs nothing, wherever it
// cuts it: at a comma, a semicolon, a tab or the end of a line.
func asText(cell string) string {
	cell = pieces(cell, func(piece string) string {
		if runs(strings.TrimLeft(piece, "'")) {
			return "'" + piece
		}
		return piece
	})
	if beginsBlank(cell) {
		return "'" + cell
	}
	return cell
}

// fromText is the opposite of asText.
func fromText(cell string) string {
	if strings.HasPrefix(cell, "'") && beginsBlank(cell) {
		cell = cell[1:]
	}
	return pieces(cell, func(piece string) string {
		if strings.HasPrefix(piece, "'") && runs(strings.TrimLeft(piece, "'")) {
			return piece[1:]
		}
		return piece
	})
}

// beginsBlank reports whether a cell begins with a character that a spreadsheet program skips
// before it looks for a formula.
func beginsBlank(cell string) bool {
	cell = strings.TrimLeft(cell, "'")
	return cell != "" && strings.ContainsRune("\t\r\n", rune(cell[0]))
}

// pieces changes each part of a cell that can become a cell of its own, without the blanks and
// quotes that it begins with.
func pieces(cell string, change func(string) string) string {
	var b strings.Builder
	for cell != "" {
		end := strings.IndexAny(cell, ",;\t\r\n\v\f")
		if end < 0 {
			end = len(cell)
		}
		piece := strings.TrimLeft(cell[:end], ` "`)
		b.WriteString(cell[:end-len(piece)] + change(piece))
		if end < len(cell) {
			b.WriteByte(cell[end])
			end++
		}
		cell = cell[end:]
	}
	return b.String()
}

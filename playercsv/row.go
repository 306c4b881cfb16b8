package playercsv

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Rows of text: where a row ends, and its cells.

// MaxRow is how many bytes a row may have.
const MaxRow = 1 << 20

var (
	errNotUTF8 = errors.New(`the text is not UTF-8: save the file as "CSV UTF-8"`)
	errQuote   = errors.New(`a quote is neither at the beginning nor at the end of a cell: write "" for a quote within a quoted cell`)
)

// record is a row as text.
type record struct {
	number int // from 1
	text   string
	cells  []string // nil if err is set
	err    error    // why the row has no cells
}

// blank reports whether a row has no text.
func (r record) blank() bool {
	for _, cell := range r.cells {
		if cell != "" {
			return false
		}
	}
	return r.err == nil
}

// recorder reads records.
type recorder struct {
	r     *bufio.Reader
	comma byte
	end   byte // of a line: \n, or \r if nothing else ends the lines
	rows  int  // read so far
	parse parser
}

// line returns the next line without its end. all is how many bytes the row has before it.
func (s *recorder) line(all int) (string, error) {
	var long []byte
	for {
		part, err := s.r.ReadSlice(s.end)
		switch {
		case all+len(long)+len(part) > MaxRow:
			return "", fmt.Errorf("row %d has more than %d bytes: is a quote missing at the end of a cell?", s.rows+1, MaxRow)
		case errors.Is(err, bufio.ErrBufferFull):
			long = append(long, part...)
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return "", err
		case len(long)+len(part) == 0:
			return "", io.EOF
		}
		if long != nil {
			part = append(long, part...)
		}
		return string(bytes.TrimSuffix(bytes.TrimSuffix(part, []byte{s.end}), []byte{'\r'})), nil
	}
}

// next returns the next row, or io.EOF. Any other error means that nothing behind it can be read.
func (s *recorder) next() (record, error) {
	text, err := s.line(0)
	if err != nil {
		return record{}, err
	}
	row := record{number: s.rows + 1, text: text}
	if !strings.Contains(text, `"`) {
		row.cells = strings.Split(text, string(s.comma))
		for i, cell := range row.cells {
			row.cells[i] = strings.TrimSpace(cell)
		}
	} else if err := s.quoted(&row); err != nil {
		return record{}, err
	}
	if !utf8.ValidString(row.text) {
		row.cells, row.err = nil, errNotUTF8
	}
	s.rows++
	return row, nil
}

// quoted reads a row with quotes, which may go on over several lines.
func (s *recorder) quoted(row *record) error {
	var whole strings.Builder
	s.parse = parser{comma: s.comma}
	text := row.text
	for {
		whole.WriteString(text)
		s.parse.line(text)
		if s.parse.state != inQuotes {
			break
		}
		// A line break within quotes belongs to the cell.
		s.parse.cell = append(s.parse.cell, '\n')
		whole.WriteByte('\n')
		var err error
		if text, err = s.line(whole.Len()); errors.Is(err, io.EOF) {
			return fmt.Errorf("row %d: a quoted cell has no end: its last quote is missing", row.number)
		} else if err != nil {
			return err
		}
	}
	row.text = whole.String()
	if s.parse.state == broken {
		row.err = errQuote
		return nil
	}
	row.cells = s.parse.end()
	return nil
}

// parser splits a row with quotes into cells, a line at a time.
type parser struct {
	comma byte
	state parserState
	cell  []byte
	cells []string
}

type parserState int

const (
	cellBegins  parserState = iota
	unquoted                // within a cell without quotes
	inQuotes                // within a quoted cell
	quoteSeen               // behind a quote in a quoted cell: its end, or the first of two
	behindQuote             // behind a quoted cell, where only blanks may be
	broken                  // a quote is in the wrong place
)

// line takes a line without its end.
func (p *parser) line(text string) {
	for i := range len(text) {
		p.byte(text[i])
	}
}

func (p *parser) byte(c byte) {
	isBlank := c == ' ' || c == '\t' && p.comma != '\t'
	switch {
	case p.state == broken:
	case p.state == inQuotes:
		if c == '"' {
			p.state = quoteSeen
		} else {
			p.cell = append(p.cell, c)
		}
	case c == p.comma:
		p.cells, p.cell, p.state = append(p.cells, p.text()), p.cell[:0], cellBegins
	case p.state == cellBegins && isBlank:
	case p.state == cellBegins && c == '"':
		p.state = inQuotes
	case p.state == quoteSeen && c == '"':
		p.cell, p.state = append(p.cell, c), inQuotes
	case p.state == quoteSeen || p.state == behindQuote:
		p.state = behindQuote
		if !isBlank {
			p.state = broken
		}
	case c == '"':
		p.state = broken
	default:
		p.cell, p.state = append(p.cell, c), unquoted
	}
}

// text returns the cell that ends here.
func (p *parser) text() string { return string(bytes.TrimSpace(p.cell)) }

// end returns the cells of the row that ends here.
func (p *parser) end() []string { return append(p.cells, p.text()) }

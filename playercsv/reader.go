package playercsv

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/playline/playline-go"
)

// A Reader turns the rows of a file into players.

// Fields are the columns that a file can have. Only external_id is required.
var Fields = [...]string{"external_id", "sms", "email", "tags"}

// Ignore maps a column to no field, see Options.Columns.
const Ignore = "-"

// rowColumn and errorColumn are the columns that Failures adds. A Reader ignores them.
const (
	rowColumn   = "import_row"
	errorColumn = "import_error"
)

// Options change how a Reader reads.
type Options struct {
	// Columns maps names of the file's columns to Fields, such as "E-Mail" to "email", or to
	// Ignore. Columns that already have a field's name need no entry.
	Columns map[string]string
}

// Reader reads the players of one file. It is not safe for concurrent use.
type Reader struct {
	records recorder
	header  []string // the names of the columns as the file has them
	fields  []string // by column: a field or Ignore
	bom     bool
	crlf    bool
}

// Row is one row of a file.
type Row struct {
	Number int // as a spreadsheet program counts: from 1, with the header and empty rows
	Player playline.Player
	Err    error // why there is no player, or nil

	text  string   // as it is in the file
	cells []string // as a person sees them; nil if the row cannot be split into cells
}

// Text returns the row as it is in the file, without the end of its line.
func (r Row) Text() string { return r.text }

const byteOrderMark = "\ufeff"

// NewReader reads the header. Errors name the column and what to do.
func NewReader(file io.Reader, o Options) (*Reader, error) {
	r := &Reader{records: recorder{r: bufio.NewReaderSize(file, 64<<10), comma: ',', end: '\n'}}
	if err := r.start(); err != nil {
		return nil, err
	}
	for {
		row, err := r.records.next()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the file is empty: its first row must name the columns, one of them external_id")
		}
		if err != nil {
			return nil, err
		}
		if row.err != nil {
			return nil, fmt.Errorf("row %d: %w", row.number, row.err)
		}
		if row.blank() {
			continue
		}
		r.header = row.cells
		for i, name := range r.header {
			r.header[i] = strings.TrimSpace(fromText(name))
		}
		for len(r.header) > 0 && r.header[len(r.header)-1] == "" {
			r.header = r.header[:len(r.header)-1] // separators at the end of each line
		}
		r.fields, err = o.fields(r.header)
		return r, err
	}
}

// start looks at the first line: encoding, line ends and separator.
func (r *Reader) start() error {
	b := r.records.r
	begin, err := b.Peek(b.Size())
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if bytes.HasPrefix(begin, []byte("\xff\xfe")) || bytes.HasPrefix(begin, []byte("\xfe\xff")) || bytes.IndexByte(begin, 0) >= 0 {
		return fmt.Errorf("UTF-16 or not a text at all: %w", errNotUTF8)
	}
	discard := func(n int) error {
		begin = begin[n:]
		_, err := b.Discard(n)
		return err
	}
	if r.bom = bytes.HasPrefix(begin, []byte(byteOrderMark)); r.bom {
		if err := discard(len(byteOrderMark)); err != nil {
			return err
		}
	}
	at := bytes.IndexAny(begin, "\r\n")
	if at >= 0 && begin[at] == '\r' {
		r.crlf = at+1 < len(begin) && begin[at+1] == '\n'
		if !r.crlf {
			r.records.end = '\r'
		}
	}
	// Some programs name the separator in a line of its own, which a spreadsheet program does not
	// show.
	if separator, ok := bytes.CutPrefix(begin, []byte("sep=")); ok && at == len("sep=")+1 && strings.IndexByte(",;\t|", separator[0]) >= 0 {
		r.records.comma = separator[0]
		if r.crlf {
			at++
		}
		return discard(at + 1)
	}
	r.records.comma = separatorOf(begin)
	return nil
}

// separatorOf returns the separator of a header: of comma, semicolon and tab the one that it has
// most often outside of quotes.
func separatorOf(text []byte) byte {
	best, most := byte(','), 0
	for _, separator := range []byte(",;\t") {
		n, quoted := 0, false
		for _, c := range bytes.TrimLeft(text, "\r\n") {
			if c == '"' {
				quoted = !quoted
			}
			if !quoted && (c == '\n' || c == '\r') {
				break
			}
			if !quoted && c == separator {
				n++
			}
		}
		if n > most {
			best, most = separator, n
		}
	}
	return best
}

// fields returns the field of each column.
func (o Options) fields(header []string) ([]string, error) {
	for _, name := range slices.Sorted(maps.Keys(o.Columns)) {
		if field := o.Columns[name]; field != Ignore && !slices.Contains(Fields[:], field) {
			return nil, fmt.Errorf("column %q cannot be mapped to %q: the fields are %s, and %q ignores a column",
				name, field, strings.Join(Fields[:], ", "), Ignore)
		}
		if !slices.Contains(header, strings.TrimSpace(name)) {
			return nil, fmt.Errorf("column %q is mapped, but the file has only %s", name, quotedList(header))
		}
	}
	out, columns := make([]string, len(header)), map[string]string{}
	for i, name := range header {
		field := strings.ToLower(name)
		for mapped, to := range o.Columns {
			if strings.TrimSpace(mapped) == name {
				field = to
			}
		}
		switch {
		case field == Ignore || field == rowColumn || field == errorColumn:
			out[i] = Ignore
			continue
		case !slices.Contains(Fields[:], field):
			return nil, fmt.Errorf("column %q has no field: map it to one of %s, or to %q to ignore it",
				name, strings.Join(Fields[:], ", "), Ignore)
		}
		if other, doubled := columns[field]; doubled {
			return nil, fmt.Errorf("columns %q and %q are both %s: map one of them to %q or rename it", other, name, field, Ignore)
		}
		columns[field], out[i] = name, field
	}
	if _, ok := columns["external_id"]; !ok {
		return nil, fmt.Errorf("no column is external_id: the file has %s", quotedList(header))
	}
	return out, nil
}

func quotedList(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quoted, ", ")
}

// Rows yields the rows below the header, once. Its error ends the loop: the file cannot be read, or
// a quote without an end makes it impossible to say where the next row begins.
func (r *Reader) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for {
			text, err := r.records.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Row{}, err)
				return
			}
			if !text.blank() && !yield(r.row(text), nil) {
				return
			}
		}
	}
}

// row makes a player of a row.
func (r *Reader) row(text record) Row {
	row := Row{Number: text.number, Err: text.err, text: text.text, cells: text.cells}
	if row.Err != nil {
		return row
	}
	for i, cell := range row.cells {
		row.cells[i] = strings.TrimSpace(fromText(cell))
	}
	cells := row.cells
	for len(cells) > len(r.fields) && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	if len(cells) != len(r.fields) {
		row.Err = fmt.Errorf("the row has %d cells, the header has %d", len(cells), len(r.fields))
		return row
	}
	p := &row.Player
	for i, cell := range cells {
		switch r.fields[i] {
		case "external_id":
			p.ExternalID = cell
		case "sms":
			p.Channels.SMS = cell
		case "email":
			p.Channels.Email = cell
		case "tags":
			p.Tags = tags(cell)
		}
	}
	return row
}

// tags splits a cell of tags.
func tags(cell string) []string {
	var out []string
	for tag := range strings.SplitSeq(cell, ";") {
		if tag = strings.TrimSpace(tag); tag != "" {
			out = append(out, tag)
		}
	}
	return out
}

package playercsv

import (
	"io"
	"strconv"
	"strings"
)

// Failures writes rows that failed, in the form of the file that they come from: its columns,
// separator, line ends and byte order mark. Two more columns come first, the row's number and why
// it failed. A Reader ignores them, so that the file can be corrected and imported as it is.
type Failures struct {
	w io.Writer
	r *Reader
}

// NewFailures returns a writer of failed rows of the file that r reads. It writes nothing yet.
func NewFailures(w io.Writer, r *Reader) *Failures { return &Failures{w, r} }

// Header writes the first row. Call it once, before Write, unless w already has it.
func (f *Failures) Header() error {
	begin := ""
	if f.r.bom {
		begin = byteOrderMark
	}
	return f.write(begin + f.line(append([]string{rowColumn, errorColumn}, f.own(f.r.header)...)))
}

// Write writes a row and why it failed.
func (f *Failures) Write(row Row, cause error) error {
	prefix := []string{strconv.Itoa(row.Number), strings.Join(strings.Fields(cause.Error()), " ")}
	if row.cells != nil {
		return f.write(f.line(append(prefix, f.own(row.cells)...)))
	}
	// The row cannot be split into cells, so it is written as it is: it fails again until it is
	// corrected.
	text := asText(row.text)
	if len(f.own(f.r.header)) == len(f.r.header) {
		text = strings.TrimSuffix(f.line(append(prefix, "")), f.lineEnd()) + text
	} // else it begins with the number and the cause of an earlier import
	return f.write(text + f.lineEnd())
}

// own returns the cells of the file's own columns, without those that an earlier Failures added.
func (f *Failures) own(cells []string) []string {
	out := make([]string, 0, len(cells))
	for i, cell := range cells {
		if i >= len(f.r.header) || f.r.header[i] != rowColumn && f.r.header[i] != errorColumn {
			out = append(out, cell)
		}
	}
	return out
}

func (f *Failures) lineEnd() string {
	switch {
	case f.r.crlf:
		return "\r\n"
	case f.r.records.end == '\r':
		return "\r"
	}
	return "\n"
}

// line is a row of cells, none of which is a formula.
func (f *Failures) line(cells []string) string {
	comma := string(f.r.records.comma)
	for i, cell := range cells {
		if cell = asText(cell); strings.ContainsAny(cell, comma+"\"\r\n") {
			cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
		}
		cells[i] = cell
	}
	return strings.Join(cells, comma) + f.lineEnd()
}

func (f *Failures) write(text string) error {
	_, err := io.WriteString(f.w, text)
	return err
}

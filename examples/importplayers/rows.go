package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/playline/playline-go"
)

// Rows of a file, CSV or JSON lines, one at a time.

const maxLine = 1 << 20

// rows is a file of players, a row a line, so that a row that cannot be read spoils no other.
type rows struct {
	path    string
	header  string   // the first line of a CSV file
	columns []string // its names; nil for JSONL
}

var columns = []string{"external_id", "sms", "email", "tags"}

// openRows looks at the file's name and at its first line.
func openRows(path string) (*rows, error) {
	r := &rows{path: path}
	switch extension := filepath.Ext(path); extension {
	case ".jsonl":
		return r, nil
	case ".csv":
	default:
		return nil, fmt.Errorf("%s: the name must end in .csv or .jsonl", path)
	}
	for line, err := range lines(path) {
		if err != nil {
			return nil, err
		}
		if r.columns, err = fields(line); err != nil {
			return nil, fmt.Errorf("%s: the first line: %w", path, err)
		}
		r.header = line
		break
	}
	for _, name := range r.columns {
		if !slices.Contains(columns, name) {
			return nil, fmt.Errorf("%s: column %q is none of %s", path, name, strings.Join(columns, ", "))
		}
	}
	if !slices.Contains(r.columns, "external_id") {
		return nil, fmt.Errorf("%s: the first line must name the column external_id", path)
	}
	return r, nil
}

// all yields the lines that are rows.
func (r *rows) all() func(yield func(string, error) bool) {
	return func(yield func(string, error) bool) {
		header := r.columns != nil
		for line, err := range lines(r.path) {
			if header && err == nil {
				header = false
				continue
			}
			if !yield(line, err) {
				return
			}
		}
	}
}

// count returns how many rows there are.
func (r *rows) count() (int, error) {
	n := 0
	for _, err := range r.all() {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// parse reads a row.
func (r *rows) parse(line string) (playline.Player, error) {
	var p playline.Player
	if r.columns == nil {
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&p); err != nil {
			return p, err
		}
		if decoder.More() {
			return p, errors.New("more than one value on the line")
		}
		return p, nil
	}
	values, err := fields(line)
	if err != nil {
		return p, err
	}
	if len(values) != len(r.columns) {
		return p, fmt.Errorf("%d values for %d columns", len(values), len(r.columns))
	}
	for i, value := range values {
		value = fromText(value)
		switch r.columns[i] {
		case "external_id":
			p.ExternalID = value
		case "sms":
			p.Channels.SMS = value
		case "email":
			p.Channels.Email = value
		case "tags":
			if value != "" {
				p.Tags = strings.Split(value, ";")
			}
		}
	}
	return p, nil
}

// line is the opposite of parse.
func (r *rows) line(p playline.Player) (string, error) {
	var b bytes.Buffer
	if r.columns == nil {
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		err := encoder.Encode(p)
		return strings.TrimSpace(b.String()), err
	}
	values := make([]string, len(r.columns))
	for i, name := range r.columns {
		values[i] = asText(map[string]string{
			"external_id": p.ExternalID, "sms": p.Channels.SMS, "email": p.Channels.Email, "tags": strings.Join(p.Tags, ";"),
		}[name])
	}
	w := csv.NewWriter(&b)
	err := w.Write(values)
	w.Flush()
	return strings.TrimSpace(b.String()), err
}

// raw returns a line that cannot be read as it goes into the file of failed rows.
func (r *rows) raw(line string) string {
	if r.columns == nil && strings.HasPrefix(line, "{") {
		return line // JSON is no spreadsheet's, and a mark in it would be one more thing to mend
	}
	return asText(line)
}

// fields cuts a line of CSV; most have no quotes, and need no reader.
func fields(line string) ([]string, error) {
	if !strings.Contains(line, `"`) {
		return strings.Split(line, ","), nil
	}
	return csv.NewReader(strings.NewReader(line)).Read()
}

// lines yields the lines of a file without those that are empty or a comment.
func lines(path string) func(yield func(string, error) bool) {
	return func(yield func(string, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield("", err)
			return
		}
		defer f.Close()
		scanner := bufio.NewScanner(f)
		scanner.Buffer(make([]byte, 64<<10), maxLine)
		for n := 1; scanner.Scan(); n++ {
			line := strings.TrimSpace(strings.TrimPrefix(scanner.Text(), "\ufeff")) // some programs begin a file with it
			if line != "" && !strings.HasPrefix(line, "# ") && !yield(line, nil) {
				return
			}
		}
		if err := scanner.Err(); err != nil {
			yield("", fmt.Errorf("%s: %w (a line may have %d bytes)", path, err, maxLine))
		}
	}
}

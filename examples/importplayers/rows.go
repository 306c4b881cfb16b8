package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/playercsv"
)

// The rows of a file, CSV or JSON lines, one at a time.

// table is a file of players.
type table struct {
	path    string
	columns map[string]string // see playercsv.Options
}

// row is one row of a table.
type row struct {
	number int // as the program shows it that people look at the file with: a row of CSV, a line of JSONL
	player playline.Player
	err    error // why there is no player
	csv    playercsv.Row
	line   string // of JSONL
}

// kind returns the extension without the dot.
func (t *table) kind() (string, error) {
	switch extension := filepath.Ext(t.path); extension {
	case ".csv", ".tsv":
		return "csv", nil
	case ".jsonl":
		if len(t.columns) > 0 {
			return "", fmt.Errorf("%s: -map is for CSV; a line of JSONL has the fields of playline.Player", t.path)
		}
		return "jsonl", nil
	}
	return "", fmt.Errorf("%s: the name must end in .csv, .tsv or .jsonl", t.path)
}

// all yields the rows. An error ends them.
func (t *table) all() iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		fail := func(err error) { yield(row{}, fmt.Errorf("%s: %w", t.path, err)) }
		kind, err := t.kind()
		if err != nil {
			yield(row{}, err)
			return
		}
		f, err := os.Open(t.path)
		if err != nil {
			yield(row{}, err)
			return
		}
		defer f.Close()
		if kind == "jsonl" {
			if err := jsonRows(f, yield); err != nil {
				fail(err)
			}
			return
		}
		reader, err := playercsv.NewReader(f, playercsv.Options{Columns: t.columns})
		if err != nil {
			fail(err)
			return
		}
		for r, err := range reader.Rows() {
			if err != nil {
				fail(err)
				return
			}
			if !yield(row{number: r.Number, player: r.Player, err: r.Err, csv: r}, nil) {
				return
			}
		}
	}
}

// count returns how many rows there are. It reads the whole file, so a file that cannot be read to
// its end is refused before anything is imported.
func (t *table) count() (int, error) {
	n := 0
	for _, err := range t.all() {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// maxLine is how many bytes a line of JSONL may have.
const maxLine = 1 << 20

// jsonRows yields the lines that are not empty and not a comment. No JSON begins with "#".
func jsonRows(f io.Reader, yield func(row, error) bool) error {
	scanner := bufio.NewScanner(f)
	scanner.Buffer(make([]byte, 64<<10), maxLine)
	for n := 1; scanner.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(scanner.Text(), "\ufeff"))
		if line == "" || line[0] == '#' {
			continue
		}
		player, err := fromJSON(line)
		if !yield(row{number: n, player: player, err: err, line: line}, nil) {
			return nil
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("%w (a line may have %d bytes)", err, maxLine)
	}
	return nil
}

func fromJSON(line string) (playline.Player, error) {
	var p playline.Player
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return playline.Player{}, err
	}
	if decoder.More() {
		return playline.Player{}, errors.New("more than one value on the line")
	}
	return p, nil
}

// failures renders the rows of a table that failed.
type failures struct {
	text bytes.Buffer
	csv  *playercsv.Failures // nil for JSONL
}

func (t *table) failures() (*failures, error) {
	f := &failures{}
	if kind, err := t.kind(); err != nil || kind == "jsonl" {
		return f, err
	}
	file, err := os.Open(t.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader, err := playercsv.NewReader(file, playercsv.Options{Columns: t.columns})
	if err != nil {
		return nil, err
	}
	f.csv = playercsv.NewFailures(&f.text, reader)
	return f, nil
}

// header returns the first row of the file of failed rows.
func (f *failures) header() string {
	if f.csv != nil {
		_ = f.csv.Header() // a buffer takes everything
	}
	return f.take()
}

// row returns a row that failed, so that a person can correct it, and why it failed.
func (f *failures) row(r row, cause error) string {
	if item, ok := errors.AsType[playline.ItemError](cause); ok { // its place in the import would be one number too many
		cause = errors.New(strings.TrimPrefix(item.Code+": "+item.Message, ": "))
	}
	if f.csv != nil {
		_ = f.csv.Write(r.csv, cause)
		return f.take()
	}
	return fmt.Sprintf("# line %d: %s\n%s\n", r.number, strings.Join(strings.Fields(cause.Error()), " "), r.line)
}

func (f *failures) take() string {
	text := f.text.String()
	f.text.Reset()
	return text
}

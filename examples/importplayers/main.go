// Importplayers imports a CSV or JSONL file of any number of players into Smooven. It shows a
// progress bar, writes the rows that failed to a file that can be corrected and imported again, and
// goes on where it stopped: after Ctrl-C, SIGTERM, kill -9 or an outage, run the same command
// again.
//
// Without arguments it shows all of that on an emulator, with 20,000 players: some rows are bad, it
// is interrupted and resumed, the failed rows are corrected and imported, and at the end every
// player is compared with the emulator's record:
//
//	go run ./examples/importplayers
//
// With a file it imports, with the key in PLAYLINE_SMOOVEN_KEY (and PLAYLINE_SMOOVEN_URL for an
// emulator):
//
//	go run ./examples/importplayers players.csv
//	$EDITOR players.failed.csv
//	go run ./examples/importplayers players.failed.csv
//
// # As a nightly job
//
//	go build -o importplayers ./examples/importplayers
//	importplayers -map "Player ID=external_id" -map "E-Mail=email" -map "Notes=-" players.csv
//
// The exit status is 0 if every row was imported, 3 if the import is complete but rows failed, 1 if
// it stopped before its end (run the same command again), and 2 if a flag is wrong.
//
// A file that has changed since its import stopped is imported from its first row. Failed rows of
// an earlier import stay as they are: those of the next one go to players.failed-2.csv, and so on.
//
// # The file
//
// The columns of a CSV file are external_id, sms, email and tags (separated by ; in the cell), in
// any order, named in the first row; -map takes other names, and "-" ignores a column. The package
// playercsv says which files of spreadsheet programs it reads. A line of a JSONL file is a
// playline.Player; empty lines and lines that begin with # are skipped.
//
// The file of failed rows has two more columns in front, the row's number as a spreadsheet program
// shows it and why it failed. They are ignored when it is imported. In it a cell that a spreadsheet
// program would run as a formula begins with an apostrophe, which is taken off when the file is
// imported.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/playline/playline-go"
)

// Exit statuses.
const (
	exitStopped    = 1
	exitUsage      = 2
	exitRowsFailed = 3
)

// rowsFailedError is the result of an import that came to its end with failed rows.
type rowsFailedError struct{ rows int }

func (e *rowsFailedError) Error() string { return fmt.Sprintf("%d rows failed", e.rows) }

var errUsage = errors.New("see importplayers -help")

func main() {
	err := start(context.Background(), os.Args[1:], os.Stdout)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "importplayers:", err)
	}
	os.Exit(exitStatus(err))
}

func exitStatus(err error) int {
	_, rowsFailed := errors.AsType[*rowsFailedError](err)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case rowsFailed:
		return exitRowsFailed
	case errors.Is(err, errUsage):
		return exitUsage
	}
	return exitStopped
}

// columnMap is the flag -map, which can be given more than once.
type columnMap map[string]string

func (m columnMap) String() string { return "" }

// Set takes COLUMN=FIELD. The name of a column may contain "=".
func (m columnMap) Set(text string) error {
	at := strings.LastIndex(text, "=")
	if at <= 0 || at == len(text)-1 {
		return errors.New(`give COLUMN=FIELD, such as "E-Mail=email", or COLUMN=- to ignore the column`)
	}
	column, field := strings.TrimSpace(text[:at]), strings.TrimSpace(text[at+1:])
	if other, ok := m[column]; ok && other != field {
		return fmt.Errorf("column %q is mapped to %s and to %s", column, other, field)
	}
	m[column] = field
	return nil
}

func start(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("importplayers", flag.ContinueOnError)
	flags.SetOutput(out)
	concurrency := flags.Int("concurrency", 4, "requests under way at once, each of 1000 players")
	generate := flags.Int("generate", 0, "write this many made-up players to the file instead of importing it; some rows are bad")
	columns := columnMap{}
	flags.Var(columns, "map", "`COLUMN=FIELD`: which field a column of a CSV file is, such as \"E-Mail=email\"; COLUMN=- ignores it; repeatable")
	flags.Usage = func() {
		fmt.Fprintln(out, "usage: importplayers [flags] [FILE.csv | FILE.tsv | FILE.jsonl]")
		flags.PrintDefaults()
		fmt.Fprintln(out, "exit status: 0 every row was imported; 1 stopped, run the same command again; 2 wrong usage; 3 complete, but rows failed")
	}
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return errors.Join(errUsage, err)
	}
	switch {
	case flags.NArg() == 0:
		return demonstrate(ctx, out, demoRows)
	case flags.NArg() > 1:
		return fmt.Errorf("give one file, not %d: %w", flags.NArg(), errUsage)
	case *generate > 0:
		return generateFile(flags.Arg(0), *generate)
	}
	client, err := playline.NewFromEnv()
	if err != nil {
		return err
	}
	// The first signal stops the reading, and requests under way are waited for. The second one
	// kills.
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	j := &job{client: client, columns: columns, concurrency: *concurrency, out: out, bar: terminal(os.Stderr), every: time.Second}
	at, err := j.run(ctx, flags.Arg(0))
	if err == nil && at.Failed > 0 {
		err = &rowsFailedError{at.Failed}
	}
	return err
}

// terminal reports whether a person sees what is written there: elsewhere a progress bar is noise.
func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

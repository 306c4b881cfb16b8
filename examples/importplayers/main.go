// Importplayers imports a CSV or JSONL file of any number of players into Smooven: a progress bar with rate and time left, rows that
// failed to a file that can be mended and fed again, and after Ctrl-C the same command goes on where it stopped.
//
// Without arguments it shows all of that on an emulator: 20,000 players, some rows bad, interrupted in the middle, resumed, the failed
// rows mended and fed; at the end every player is held against the emulator's record:
//
//	go run ./examples/importplayers
//
// With a file it imports, with the key in PLAYLINE_SMOOVEN_KEY (and PLAYLINE_SMOOVEN_URL for an emulator):
//
//	go run ./examples/importplayers players.csv
//	$EDITOR players.failed.csv
//	go run ./examples/importplayers players.failed.csv
//
// The columns of a CSV file are external_id, sms, email and tags (with ; between them), in any order, named in the first line; a line of
// a JSONL file is a playline.Player. Empty lines and lines that begin with "# " are skipped.
// In the file of failed rows a cell that a spreadsheet would run as a formula has an apostrophe before it, which is taken off when the file
// is imported.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/playline/playline-go"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "importplayers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("importplayers", flag.ContinueOnError)
	concurrency := flags.Int("concurrency", 4, "requests under way at once, each of 1000 players")
	generate := flags.Int("generate", 0, "write so many made-up players to the file instead of importing it; some rows are bad")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() == 0:
		return demonstrate(ctx, out, demoRows)
	case flags.NArg() > 1:
		return errors.New("give one file")
	case *generate > 0:
		return generateFile(flags.Arg(0), *generate)
	}
	client, err := playline.NewFromEnv()
	if err != nil {
		return err
	}
	// The first Ctrl-C stops the reading, and what is under way is waited for. The second one kills.
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop)
	_, err = (&job{client: client, concurrency: *concurrency, out: out, bar: terminal(os.Stderr)}).run(ctx, flags.Arg(0))
	return err
}

// terminal reports whether a person sees what is written there: elsewhere a progress bar is noise.
func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

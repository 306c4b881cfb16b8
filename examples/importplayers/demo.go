package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// demoRows is how many players the demonstration has.
const demoRows = 20_000

// demonstrate imports a generated file into an emulator, stops in the middle, goes on, corrects the
// rows that failed, and imports them.
func demonstrate(ctx context.Context, out io.Writer, n int) error {
	smooven, err := emulator.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer smooven.Close()
	client, err := playline.New(smooven.Options()...)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "importplayers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "players.csv")
	if err := generateFile(path, n); err != nil {
		return err
	}
	// Beside the bad rows, the service refuses one request as a whole.
	smooven.Inject(emulator.Fault{Operation: "importPlayers", Skip: 4, Times: 1, Status: 422})
	fmt.Fprintf(out, "importplayers: %d rows into an emulator of Smooven at %s; one in 200 is bad, and one request is refused\n",
		n, smooven.URL)

	interrupted, stop := context.WithCancel(ctx)
	defer stop()
	first := &job{client: client, concurrency: 2, out: out, bar: terminal(os.Stderr), progress: func(p playline.ImportProgress) {
		if p.Imported+p.Failed >= n*2/5 {
			stop() // what Ctrl-C does
		}
	}}
	if _, err := first.run(interrupted, path); !errors.Is(err, errInterrupted) {
		return fmt.Errorf("the import was not interrupted: %w", err)
	}
	fmt.Fprintln(out, "  interrupted; once more")
	second := &job{client: client, concurrency: 2, out: out, bar: first.bar}
	whole, err := second.run(ctx, path)
	if err != nil {
		return err
	}
	mended, err := mend(failedPath(path, 1))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "  %d rows corrected\n", mended)
	rest, err := second.run(ctx, failedPath(path, 1))
	if err != nil {
		return err
	}
	if mended != whole.Failed || rest.Failed != 0 || whole.Imported+rest.Imported != n {
		return fmt.Errorf("%d imported, %d failed, %d corrected, %d of them imported", whole.Imported, whole.Failed, mended, rest.Imported)
	}
	return compare(smooven, out, n)
}

// compare compares every player of the file with the emulator's, and looks for one that was stored
// twice or is not of the file.
func compare(smooven *emulator.Server, out io.Writer, n int) error {
	players := smooven.Players()
	fmt.Fprintf(out, "  the emulator's record: %d players in %d requests\n", len(players), smooven.Calls("importPlayers"))
	if len(players) != n {
		return fmt.Errorf("%d players are stored, expected %d", len(players), n)
	}
	for i := range n {
		want := goodPlayer(i)
		got, ok := smooven.Player(want.ExternalID)
		if !ok || got.Channels.SMS != want.Channels.SMS || got.Channels.Email != want.Channels.Email || !slices.Equal(got.Tags, want.Tags) {
			return fmt.Errorf("row %d: %s is not stored as it is in the file", i+1, want.ExternalID)
		}
	}
	return nil
}

func goodPlayer(i int) playline.Player {
	return playline.Player{
		ExternalID: fmt.Sprintf("device-%07d", i),
		Channels:   playline.PlayerChannels{SMS: fmt.Sprintf("+614%08d", i), Email: fmt.Sprintf("player-%07d@example.com", i)},
		Tags:       []string{"beta", fmt.Sprintf("season-%d", i%4)},
	}
}

// csvLine is a player as a row of the generated file.
func csvLine(p playline.Player) string {
	return strings.Join([]string{p.ExternalID, p.Channels.SMS, p.Channels.Email, strings.Join(p.Tags, ";")}, ",")
}

const csvHeader = "external_id,sms,email,tags"

// generateFile writes n players to a new file. One row in 200 is bad, each in one of five ways.
func generateFile(path string, n int) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, csvHeader)
	for i := range n {
		p := goodPlayer(i)
		cut := 0
		if i%200 == 7 {
			switch i / 200 % 5 {
			case 0:
				p.Channels.Email = "at home"
			case 1:
				p.Channels.SMS = "0400 000 000"
			case 2:
				p.ExternalID = goodPlayer(i - 1).ExternalID // a second time
			case 3:
				p.Channels.Email = "player..7@example.com" // the service finds out
			case 4:
				cut = 10 // a line that broke off
			}
		}
		line := csvLine(p)
		if cut > 0 {
			line = line[:cut]
		}
		fmt.Fprintln(w, line)
	}
	return errors.Join(w.Flush(), f.Close())
}

// mend is the person who corrects the failed rows: each is written as it should have been. It
// returns how many there are.
func mend(path string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1 // a row that broke off has fewer
	rows, err := r.ReadAll()
	if err != nil {
		return 0, err
	}
	var b strings.Builder
	fmt.Fprintln(&b, csvHeader)
	for _, row := range rows[1:] {
		number, err := strconv.Atoi(row[0]) // the header is row 1
		if err != nil {
			return 0, err
		}
		fmt.Fprintln(&b, csvLine(goodPlayer(number-2)))
	}
	return len(rows) - 1, os.WriteFile(path, []byte(b.String()), 0o600)
}

package playercsv_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/playercsv"
)

// Import a file, and print the rows that failed as a file that a person can correct.
func Example() {
	file := strings.NewReader("Player;E-Mail\n" +
		"device-001;ace@example.com\n" +
		";blitz@example.com\n" +
		"\"device-003\"x;nova@example.com\n")
	client, err := playline.New(emulator.New().Options()...) // in production: playline.NewFromEnv()
	if err != nil {
		panic(err)
	}
	reader, err := playercsv.NewReader(file, playercsv.Options{
		Columns: map[string]string{"Player": "external_id", "E-Mail": "email"},
	})
	if err != nil {
		panic(err)
	}
	var rows []playercsv.Row // of a large file, keep only those that are not settled: see examples/importplayers
	players := func(yield func(playline.Player) bool) {
		for row, err := range reader.Rows() {
			if err != nil {
				fmt.Println(err)
				return
			}
			rows = append(rows, row)
			if !yield(row.Player) { // a row with an error has no external id, and so it fails in its place
				return
			}
		}
	}
	summary, err := client.Players.ImportAll(context.Background(), players, playline.ImportOptions{})
	fmt.Println(summary.Imported, "imported,", err)

	failed := playercsv.NewFailures(os.Stdout, reader)
	_ = failed.Header()
	for _, failure := range summary.Failures {
		row := rows[failure.Index]
		cause := failure.Err
		if row.Err != nil {
			cause = errors.New("this row cannot be read")
		}
		_ = failed.Write(row, cause)
	}
	// Output:
	// 1 imported, <nil>
	// import_row;import_error;Player;E-Mail
	// 3;playline: external_id must not be empty;;blitz@example.com
	// 4;this row cannot be read;"device-003"x;nova@example.com
}

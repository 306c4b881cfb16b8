package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// Imports that are stopped, go on, and fail row by row.

func TestDemonstration(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, demonstrate(t.Context(), &out, 8000), out.String())
	assert.Contains(t, out.String(), "8000 of 8000 rows settled")
	assert.Contains(t, out.String(), "the emulator's record: 8000 players")
}

// write makes a file of a folder of its own.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func newJob(t *testing.T) (*job, *emulator.Emulator) {
	t.Helper()
	service := emulator.New()
	client, err := playline.New(append(service.Options(), playline.WithRetryPolicy(playline.RetryPolicy{MaxAttempts: 1}))...)
	require.NoError(t, err)
	return &job{client: client, concurrency: 2, out: &bytes.Buffer{}}, service
}

func TestFailedRowsAreWrittenSoThatTheyCanBeCorrected(t *testing.T) {
	t.Parallel()
	const begin = "import_row,import_error,"
	tests := []struct {
		name, file, text string
		failed           string // "" for none
		players          int
	}{
		{"all good", "a.csv", "external_id,email\nace,ace@example.com\nblitz,\n", "", 2},
		{"columns in another order, quotes, no last newline", "a.csv", "\ufefftags,external_id\n\n\"vip;\"\"beta\"\"\",ace\n#blitz,#blitz", "", 2},
		{"an id that begins with #", "a.csv", "external_id\n# ace\n", "", 1},
		{"a line break in a quoted cell", "a.csv", "external_id,tags\nace,\"a\nblitz\nb\"\n", "", 1},
		{"a bad address", "a.csv", "email,external_id\nat home,ace\nblitz@example.com,blitz\n", begin + "email,external_id\n" +
			"2,\"playline: channels.email must be an e-mail address, as in ace@example.com\",at home,ace\n", 1},
		{"semicolons, CRLF, a byte order mark", "a.csv", "\ufeffemail;external_id\r\n;\r\nat home;ace\r\n", "\ufeffimport_row;import_error;email;external_id\r\n" +
			"3;playline: channels.email must be an e-mail address, as in ace@example.com;at home;ace\r\n", 0},
		{"the service finds out", "a.csv", "external_id,email\nace,a..b@example.com\n", begin + "external_id,email\n" +
			"2,invalid_recipient: channels.email must be an email address,ace,a..b@example.com\n", 0},
		{"a row too short, a quote in the wrong place", "a.csv", "external_id,email\nace\n\"ace\"x,\nblitz,\n", begin + "external_id,email\n" +
			"2,\"the row has 1 cells, the header has 2\",ace\n" +
			"3,\"a quote is neither at the beginning nor at the end of a cell: write \"\"\"\" for a quote within a quoted cell\",\"ace\"x,\n", 1},
		{"twice", "a.csv", "external_id\nace\nace\n", begin + "external_id\n" +
			"3,playline: external_id must be unique within 1000 players: one before has it too,ace\n", 1},
		{
			"JSONL", "a.jsonl", "# a note\n" + `{"external_id":"ace","channels":{"email":"ace@example.com"}}` + "\n" + `{"external_id":"blitz","level":3}` + "\nnonsense\n" +
				`{"external_id":"comet"} {"external_id":"dart"}` + "\n" + `{"external_id":"echo","channels":{"sms":"0400"}}` + "\n",
			"# line 3: json: unknown field \"level\"\n" + `{"external_id":"blitz","level":3}` + "\n" +
				"# line 4: invalid character 'o' in literal null (expecting 'u')\nnonsense\n" +
				"# line 5: more than one value on the line\n" + `{"external_id":"comet"} {"external_id":"dart"}` + "\n" +
				"# line 6: playline: channels.sms must be a phone number in E.164 form: + and 7 to 15 digits, as in +61400000000\n" +
				`{"external_id":"echo","channels":{"sms":"0400"}}` + "\n", 1,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			job, service := newJob(t)
			path := write(t, tt.file, tt.text)
			at, err := job.run(t.Context(), path)
			require.NoError(t, err)
			assert.Len(t, service.Players(), tt.players)
			assert.Equal(t, tt.players, at.Imported)
			assert.NoFileExists(t, statePath(path))
			if tt.failed == "" {
				assert.NoFileExists(t, failedPath(path, 1))
				return
			}
			written, err := os.ReadFile(failedPath(path, 1))
			require.NoError(t, err)
			assert.Equal(t, tt.failed, string(written))
		})
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, file, text, err string }{
		{"another kind", "a.xlsx", "", "must end in .csv, .tsv or .jsonl"},
		{"no lines", "a.csv", "", "the file is empty"},
		{"no header", "a.csv", "ace,+61400000000\n", `column "ace" has no field`},
		{"no external id", "a.csv", "sms\n+61400000000\n", "no column is external_id"},
		{"a doubled column", "a.csv", "external_id,email,email\n", "are both email"},
		{"a quote without an end", "a.csv", "external_id\nace\n\"blitz\nnova\n", "a.csv: row 3: a quoted cell has no end"},
		{"a line without end", "a.jsonl", string(bytes.Repeat([]byte("a"), maxLine+1)), "a line may have 1048576 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			job, service := newJob(t)
			path := write(t, tt.file, tt.text)
			_, err := job.run(t.Context(), path)
			require.ErrorContains(t, err, tt.err)
			assert.Zero(t, service.TotalCalls())
			assert.NoFileExists(t, failedPath(path, 1))
			assert.NoFileExists(t, statePath(path))
		})
	}
}

var externalID = regexp.MustCompile(`device-\d{7}`)

// TestEveryRowIsSettledOnceHoweverOftenItStops stops an import again and again: by Ctrl-C, by
// credentials that are refused, and by a kill after which the file of failed rows has more than the
// state knows of.
func TestEveryRowIsSettledOnceHoweverOftenItStops(t *testing.T) {
	t.Parallel()
	const n = 8_000
	job, service := newJob(t)
	path := filepath.Join(t.TempDir(), "players.csv")
	require.NoError(t, generateFile(path, n))
	stops := 0
	for {
		ctx, interrupt := context.WithCancel(t.Context())
		remove := func() {}
		if stops%2 == 0 {
			job.progress = func(playline.ImportProgress) { interrupt() }
		} else {
			job.progress = nil
			remove = service.Inject(emulator.Fault{Operation: "importPlayers", Skip: 1, Status: 401})
		}
		at, err := job.run(ctx, path)
		interrupt()
		remove()
		if err == nil {
			assert.Equal(t, n, at.Imported+at.Failed)
			assert.Equal(t, n/200, at.Failed)
			break
		}
		require.True(t, errors.Is(err, errInterrupted) || errors.Is(err, playline.ErrUnauthorized), err)
		require.Less(t, stops, n/1000, "each run settles a thousand rows at least")
		stops++
		f, err := os.OpenFile(failedPath(path, 1), os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = fmt.Fprintln(f, "2,written by a run that was killed,ace,,,")
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	assert.GreaterOrEqual(t, stops, 2)
	times := map[string]int{}
	for _, r := range service.Requests() {
		if r.Status == 200 {
			for _, id := range externalID.FindAllString(string(r.Body), -1) {
				times[id]++
			}
		}
	}
	assert.Len(t, times, n-n/200*4/5) // of the five kinds of bad rows one gets as far as the service
	for id, sent := range times {
		require.Equal(t, 1, sent, id)
	}
	mended, err := mend(failedPath(path, 1))
	require.NoError(t, err)
	assert.Equal(t, n/200, mended, "each failed row is there once")
	job.progress = nil
	at, err := job.run(t.Context(), failedPath(path, 1))
	require.NoError(t, err)
	assert.Equal(t, n/200, at.Imported)
	assert.Len(t, service.Players(), n)
}

func TestNothingIsWrittenOver(t *testing.T) {
	t.Parallel()
	job, service := newJob(t)
	path := write(t, "a.csv", "external_id,email\nace,at home\nblitz,\n")
	stopped := service.Inject(emulator.Fault{Operation: "importPlayers", Status: 401})
	_, err := job.run(t.Context(), path)
	require.ErrorIs(t, err, playline.ErrUnauthorized)
	stopped()
	kept, err := os.ReadFile(statePath(path))
	require.NoError(t, err)

	steps := []struct {
		name    string
		prepare func() error
		err     string // "" for none
		players int    // stored afterwards
	}{
		{"the failed rows were cut", func() error { return os.Truncate(failedPath(path, 1), 3) }, "a.failed.csv: it has changed since the import stopped", 0},
		{"and stay so", func() error { return nil }, "a.failed.csv: it has changed since the import stopped", 0},
		{"the failed rows are gone", func() error { return os.Remove(failedPath(path, 1)) }, "no such file", 0},
		{"a state that cannot be read", func() error { return os.WriteFile(statePath(path), kept[:9], 0o600) }, "cannot be read; remove it to begin again", 0},
		{"a new file begins at its first row", func() error {
			return errors.Join(os.WriteFile(statePath(path), kept, 0o600), os.WriteFile(path, []byte("external_id\ncomet\n"), 0o600))
		}, "", 1},
		{"an option that is wrong", func() error { job.concurrency = 65; return nil }, "Concurrency must be from 1 to 64", 1},
		{"leaves nothing behind", func() error { job.concurrency = 1; return nil }, "", 1},
	}
	for _, step := range steps {
		require.NoError(t, step.prepare(), step.name)
		_, err := job.run(t.Context(), path)
		if step.err == "" {
			require.NoError(t, err, step.name)
		} else {
			require.ErrorContains(t, err, step.err, step.name)
		}
		assert.Len(t, service.Players(), step.players, step.name)
	}
	assert.NoFileExists(t, statePath(path))
	assert.NoFileExists(t, failedPath(path, 1))
}

// TestTonightDoesNotWaitForLastNight: failed rows that a person is correcting stay as they are, and
// are no reason to refuse the next import.
func TestTonightDoesNotWaitForLastNight(t *testing.T) {
	t.Parallel()
	job, service := newJob(t)
	path := write(t, "a.csv", "external_id,email\nace,at home\n")
	for n := 1; n <= 3; n++ {
		at, err := job.run(t.Context(), path)
		require.NoError(t, err)
		assert.Equal(t, 1, at.Failed)
		require.FileExists(t, failedPath(path, n))
		assert.NoFileExists(t, failedPath(path, n+1))
		require.NoError(t, os.WriteFile(failedPath(path, n), []byte("in an editor"), 0o600))
	}
	require.NoError(t, os.WriteFile(failedPath(path, 1), nil, 0o600)) // as a run leaves it that is killed at once
	_, err := job.run(t.Context(), path)
	require.NoError(t, err)
	failed, err := os.ReadFile(failedPath(path, 1))
	require.NoError(t, err)
	assert.Contains(t, string(failed), "at home")
	for n := 2; n <= 3; n++ {
		kept, err := os.ReadFile(failedPath(path, n))
		require.NoError(t, err)
		assert.Equal(t, "in an editor", string(kept))
	}
	assert.NoFileExists(t, failedPath(path, 4))
	assert.Empty(t, service.Players())
}

// TestRowsThatNoAnswerCounts: an answer that counts fewer players than it got settles all of them,
// and the import comes to its end.
func TestRowsThatNoAnswerCounts(t *testing.T) {
	t.Parallel()
	job, service := newJob(t)
	service.Inject(emulator.Fault{Operation: "importPlayers", Status: 200, Body: `{"success":true,"imported":1,"errors":[]}`})
	path := write(t, "a.csv", "external_id\nace\nblitz\nnova\n")
	at, err := job.run(t.Context(), path)
	require.NoError(t, err)
	assert.Equal(t, []int{1, 0, 2}, []int{at.Imported, at.Failed, at.Unaccounted})
	assert.Contains(t, job.out.(*bytes.Buffer).String(), "3 of 3 rows settled: 1 imported, 0 failed")
	assert.Contains(t, job.out.(*bytes.Buffer).String(), "count 2 more neither as imported nor as failed")
	assert.NoFileExists(t, statePath(path))
}

// TestFailedRowsKeepTheFilesOrder: chunks end in any order, and a stop comes in between.
func TestFailedRowsKeepTheFilesOrder(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("external_id,email\n")
	want := []int{}
	for i := range 6000 {
		address := ""
		if i%300 == 1 {
			address, want = "at home", append(want, i+2)
		}
		fmt.Fprintf(&text, "device-%d,%s\n", i, address)
	}
	job, service := newJob(t)
	path := write(t, "a.csv", text.String())
	job.concurrency = 4
	// The first chunk answers last, and the credentials end in the middle.
	service.Inject(emulator.Fault{Operation: "importPlayers", Delay: 300 * time.Millisecond, Times: 1})
	remove := service.Inject(emulator.Fault{Operation: "importPlayers", Skip: 3, Status: 401})
	_, err := job.run(t.Context(), path)
	require.ErrorIs(t, err, playline.ErrUnauthorized)
	remove()
	at, err := job.run(t.Context(), path)
	require.NoError(t, err)
	assert.Equal(t, len(want), at.Failed)
	assert.Equal(t, 6000-len(want), at.Imported)
	failed, err := os.ReadFile(failedPath(path, 1))
	require.NoError(t, err)
	got := []int{}
	for line := range strings.Lines(string(failed)) {
		if row, err := strconv.Atoi(strings.Split(line, ",")[0]); err == nil {
			got = append(got, row)
		}
	}
	assert.Equal(t, want, got)
}

func TestExitStatus(t *testing.T) {
	for _, name := range os.Environ() {
		if name, _, _ = strings.Cut(name, "="); strings.HasPrefix(name, "PLAYLINE_") {
			t.Setenv(name, "") // an empty variable is no setting
		}
	}
	for _, test := range []struct {
		name, file, text string
		flags            []string
		key              bool
		status           int
		says             string // in the error
		players          int
	}{
		{"every row was imported", "a.csv", "external_id\nace\n", nil, true, 0, "", 1},
		{"mapped columns", "a.tsv", "E-Mail\tPlayer\tx=y\nace@example.com\tace\t1\n", []string{"-map", "E-Mail=email", "-map", "Player=external_id", "-map", "x=y=-"}, true, 0, "", 1},
		{"rows failed", "a.csv", "external_id,email\nace,at home\nblitz,\n", nil, true, 3, "1 rows failed", 1},
		{"the file cannot be read", "a.csv", "external_id\n\"ace\n", nil, true, 1, "has no end", 0},
		{"no key", "a.csv", "external_id\nace\n", nil, false, 1, "PLAYLINE_SMOOVEN_KEY", 0},
		{"an unknown flag", "a.csv", "", []string{"-mapp"}, true, 2, "see importplayers -help", 0},
		{"a wrong mapping", "a.csv", "", []string{"-map", "email"}, true, 2, "COLUMN=FIELD", 0},
		{"a contradiction", "a.csv", "", []string{"-map", "a=email", "-map", "a=sms"}, true, 2, `column "a" is mapped to email and to sms`, 0},
		{"help", "a.csv", "", []string{"-help"}, true, 0, "help requested", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			service := emulator.Start(t)
			for _, variable := range service.Env() {
				name, value, _ := strings.Cut(variable, "=")
				if strings.HasPrefix(name, "PLAYLINE_SMOOVEN_") && test.key {
					t.Setenv(name, value)
				}
			}
			err := start(t.Context(), append(test.flags, write(t, test.file, test.text)), io.Discard)
			assert.Equal(t, test.status, exitStatus(err), "%v", err)
			if test.says != "" {
				require.ErrorContains(t, err, test.says)
			}
			assert.Len(t, service.Players(), test.players)
		})
	}
}

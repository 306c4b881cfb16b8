package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

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

func TestFailedRowsAreWrittenSoThatTheyCanBeMended(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, text string
		failed           string // "" for none
		players          int
	}{
		{"all good", "a.csv", "external_id,email\nace,ace@example.com\nblitz,\n", "", 2},
		{"columns in another order, quotes, a comment, no last newline", "a.csv", "\ufefftags,external_id\n\n# a note\n\"vip;\"\"beta\"\"\",ace\n#blitz,#blitz", "", 2},
		{"a bad address", "a.csv", "email,external_id\nat home,ace\nblitz@example.com,blitz\n", "email,external_id\n" +
			"# row 1: playline: channels.email must be an e-mail address, as in ace@example.com\nat home,ace\n", 1},
		{"the service finds out", "a.csv", "external_id,email\nace,a..b@example.com\n", "external_id,email\n" +
			"# row 1: item 0: invalid_recipient: channels.email must be an email address\nace,a..b@example.com\n", 0},
		{"a row too short, a quote too many", "a.csv", "external_id,email\nace\n\"ace,\nblitz,\n", "external_id,email\n" +
			"# row 1: 1 values for 2 columns\nace\n# row 2: parse error on line 1, column 6: extraneous or missing \" in quoted-field\n\"ace,\n", 1},
		{"twice", "a.csv", "external_id\nace\nace\n", "external_id\n" +
			"# row 2: playline: external_id must be unique within 1000 players: one before has it too\nace\n", 1},
		{
			"JSONL", "a.jsonl", `{"external_id":"ace","channels":{"email":"ace@example.com"}}` + "\n" + `{"external_id":"blitz","level":3}` + "\nnonsense\n" +
				`{"external_id":"comet"} {"external_id":"dart"}` + "\n" + `{"external_id":"echo","channels":{"sms":"0400"}}` + "\n",
			"# row 2: json: unknown field \"level\"\n" + `{"external_id":"blitz","level":3}` + "\n" +
				"# row 3: invalid character 'o' in literal null (expecting 'u')\nnonsense\n" +
				"# row 4: more than one value on the line\n" + `{"external_id":"comet"} {"external_id":"dart"}` + "\n" +
				"# row 5: playline: channels.sms must be a phone number in E.164 form: + and 7 to 15 digits, as in +61400000000\n" +
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
				assert.NoFileExists(t, failedPath(path))
				return
			}
			written, err := os.ReadFile(failedPath(path))
			require.NoError(t, err)
			assert.Equal(t, tt.failed, string(written))
		})
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, file, text, err string }{
		{"another kind", "a.xlsx", "", "must end in .csv or .jsonl"},
		{"no lines", "a.csv", "", "must name the column external_id"},
		{"no header", "a.csv", "ace,+61400000000\n", `column "ace" is none of external_id, sms, email, tags`},
		{"no external id", "a.csv", "sms\n+61400000000\n", "must name the column external_id"},
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
			assert.NoFileExists(t, failedPath(path))
		})
	}
}

var externalID = regexp.MustCompile(`device-\d{7}`)

// TestEveryRowIsSettledOnceHoweverOftenItStops stops an import again and again: by Ctrl-C, by credentials that are refused, and by a kill
// after which rows stand in the file of failed rows that the state knows nothing of.
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
		f, err := os.OpenFile(failedPath(path), os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = fmt.Fprintln(f, "# row 1: written by a run that was killed")
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
	mended, err := mend(failedPath(path))
	require.NoError(t, err)
	assert.Equal(t, n/200, mended, "each failed row is there once")
	job.progress = nil
	at, err := job.run(t.Context(), failedPath(path))
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
	}{
		{"the failed rows were cut", func() error { return os.Truncate(failedPath(path), 3) }, "a.failed.csv: it has changed since the import stopped"},
		{"and stay so", func() error { return nil }, "a.failed.csv: it has changed since the import stopped"},
		{"the failed rows are gone", func() error { return os.Remove(failedPath(path)) }, "no such file"},
		{"another input", func() error { return os.WriteFile(path, []byte("external_id\ncomet\n"), 0o600) }, "a.csv has changed since the import stopped; remove"},
		{"a state that cannot be read", func() error { return os.WriteFile(statePath(path), kept[:9], 0o600) }, "cannot be read; remove it to begin anew"},
		{"begun anew", func() error { return os.Remove(statePath(path)) }, ""},
		{"with failed rows that somebody mends", func() error { return os.WriteFile(failedPath(path), []byte("external_id\ndart\n"), 0o600) }, "import it or move it away first"},
		{"that are imported", func() error { path = failedPath(path); return nil }, ""},
		{"an option that is wrong", func() error { job.concurrency = 65; return nil }, "Concurrency must be from 1 to 64"},
		{"leaves nothing behind", func() error { job.concurrency = 1; return nil }, ""},
	}
	for _, step := range steps {
		require.NoError(t, step.prepare(), step.name)
		_, err := job.run(t.Context(), path)
		if step.err == "" {
			require.NoError(t, err, step.name)
		} else {
			require.ErrorContains(t, err, step.err, step.name)
		}
	}
	assert.Len(t, service.Players(), 2, "comet and dart")
}

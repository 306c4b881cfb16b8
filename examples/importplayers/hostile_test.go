package main

import (
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// Input that attacks the person who mends the failed rows, and files that somebody planted beside
// it.

// runs reports whether a spreadsheet program takes a cell for a formula: by its first character,
// unless it is a number with a sign.
var formula = regexp.MustCompile(`^[ \x{a0}]*(?:[=@\t\r\n\x{ff1d}\x{ff20}]|[-+\x{ff0b}\x{ff0d}].*[^0-9])`)

func runs(cell string) bool { return formula.MatchString(cell) }

// cells are what a spreadsheet makes of a file, whichever of the separators it goes by.
func cells(text string) []string {
	var all []string
	for _, comma := range ",;\t" {
		for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
			r := csv.NewReader(strings.NewReader(line))
			r.Comma, r.LazyQuotes = comma, true
			row, err := r.Read()
			if err != nil {
				row = strings.Split(line, string(comma))
			}
			all = append(all, row...)
		}
	}
	return all
}

func TestSecurityFailedRowsHoldNoFormula(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"an id":                          "external_id,email\n=cmd|'/C calc'!A0,at home\n",
		"an address":                     "external_id,email\nace,=cmd|'/C calc'!A0\n",
		"a tag":                          "tags,external_id,email\n@SUM(A1),ace,at home\n",
		"quoted":                         "external_id,email\n\"=cmd|'/C calc'!A0\",at home\n",
		"a tab first":                    "external_id,email\nace,\"\t=cmd|x\"\n",
		"a line that cannot be read":     "external_id,email\n=cmd|'/C calc'!A0\n",
		"its second cell":                "external_id\nace,=cmd|'/C calc'!A0\n",
		"its second cell, quoted":        "external_id\nace,\"=cmd|'/C calc'!A0\"\n",
		"its second cell, by semicolons": "external_id,email\nace;=cmd|'/C calc'!A0;\n",
		"its second cell, by tabs":       "external_id,email\nace\t=cmd|'/C calc'!A0\n",
		"a carriage return in it":        "external_id,email\nace\r=cmd|'/C calc'!A0\n",
		"text behind a quoted cell":      "external_id,email\n\"=cmd|x\"y,=cmd|z\n",
		"a column that is ignored":       "external_id,email,notes\nace,at home,=cmd|'/C calc'!A0\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job, _ := newJob(t)
			if strings.Contains(text, "notes") {
				job.columns = map[string]string{"notes": "-"}
			}
			path := write(t, "a.csv", text)
			at, err := job.run(t.Context(), path)
			require.NoError(t, err)
			require.Equal(t, 1, at.Failed)
			failed, err := os.ReadFile(failedPath(path, 1))
			require.NoError(t, err)
			for _, cell := range cells(string(failed)) {
				assert.False(t, runs(cell), "%q of %s", cell, failed)
			}
		})
	}
	t.Run("the service's own words", func(t *testing.T) {
		t.Parallel()
		job, service := newJob(t)
		service.Inject(emulator.Fault{Operation: "importPlayers", Status: 422, Body: `{"success":false,"error":{"code":"refused","message":"no, =cmd|x; +1+cmd|y"}}`})
		path := write(t, "a.csv", "external_id\nace\n")
		at, err := job.run(t.Context(), path)
		require.NoError(t, err)
		require.Equal(t, 1, at.Failed)
		failed, err := os.ReadFile(failedPath(path, 1))
		require.NoError(t, err)
		require.Contains(t, string(failed), "cmd|x")
		for _, cell := range cells(string(failed)) {
			assert.False(t, runs(cell), "%q of %s", cell, failed)
		}
	})
}

// TestAFormulaIsImportedAsItWas: an id such as @ace is legal, and must not change on its way
// through the file of failed rows.
func TestAFormulaIsImportedAsItWas(t *testing.T) {
	t.Parallel()
	job, service := newJob(t)
	path := write(t, "a.csv", "external_id,sms,email,tags\n@ace,+61400000000,at home,=vip\n")
	_, err := job.run(t.Context(), path)
	require.NoError(t, err)
	failed, err := os.ReadFile(failedPath(path, 1))
	require.NoError(t, err)
	require.Contains(t, string(failed), ",'@ace,+61400000000,at home,'=vip\n")
	require.NoError(t, os.WriteFile(failedPath(path, 1), []byte(strings.ReplaceAll(string(failed), "at home", "ace@example.com")), 0o600))
	_, err = job.run(t.Context(), failedPath(path, 1))
	require.NoError(t, err)
	player, ok := service.Player("@ace")
	require.True(t, ok)
	assert.Equal(t, []string{"=vip"}, player.Tags)
	assert.Equal(t, "+61400000000", player.Channels.SMS)
}

func TestSecurityPlantedFilesAreNotWrittenThrough(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege there")
	}
	const precious = "what nobody may touch"
	for name, test := range map[string]struct {
		plant func(victim, path string) error
		err   string // "": the import works
	}{
		"a link in place of the new state":     {func(victim, path string) error { return os.Symlink(victim, statePath(path)+".new") }, ""},
		"a link in place of the state":         {func(victim, path string) error { return os.Symlink(victim, statePath(path)) }, "not a file of an import"},
		"a hard link in place of the state":    {func(victim, path string) error { return os.Link(victim, statePath(path)) }, "the same file as another"},
		"a link in place of the failed rows":   {func(victim, path string) error { return os.Symlink(victim, failedPath(path, 1)) }, ""},
		"a dangling link in place of them":     {func(victim, path string) error { return os.Symlink(victim+".new", failedPath(path, 1)) }, ""},
		"a folder in place of the state":       {func(_, path string) error { return os.Mkdir(statePath(path), 0o700) }, "not a file of an import"},
		"a link in place of the rows to go on": {goOnWith(os.Symlink), "not a file of an import"},
		"a second name of the rows to go on":   {goOnWith(os.Link), "the same file as another"},
		"a folder in place of them":            {func(_, path string) error { return os.Mkdir(failedPath(path, 1), 0o700) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job, service := newJob(t)
			path := write(t, "a.csv", "external_id,email\nace,at home\nblitz,\n")
			victim := filepath.Join(t.TempDir(), "victim")
			require.NoError(t, os.WriteFile(victim, []byte(precious), 0o600))
			require.NoError(t, test.plant(victim, path))
			service.Inject(emulator.Fault{Operation: "importPlayers", Status: 401}) // so that a state is to be kept
			_, err := job.run(t.Context(), path)
			if test.err == "" {
				require.ErrorIs(t, err, playline.ErrUnauthorized)
			} else {
				require.ErrorContains(t, err, test.err)
			}
			kept, err := os.ReadFile(victim)
			require.NoError(t, err)
			assert.Equal(t, precious, string(kept))
			assert.NoFileExists(t, victim+".new")
		})
	}
}

// goOnWith leaves a state that goes on with failed rows that are another file's.
func goOnWith(link func(old, name string) error) func(victim, path string) error {
	return func(victim, path string) error {
		s, _, err := loadState(&table{path: path})
		if err != nil {
			return err
		}
		s.FailedFile = filepath.Base(failedPath(path, 1))
		return errors.Join(s.save(path), link(victim, failedPath(path, 1)))
	}
}

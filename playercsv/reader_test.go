package playercsv_test

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/playercsv"
)

// Files as spreadsheet programs write them, and files that people broke.

// german maps the columns of a file whose header is in German.
var german = map[string]string{"Spieler": "external_id", "E-Mail": "email", "Telefon": "sms", "Stichwörter": "tags"}

// TestFilesOfSpreadsheetPrograms reads the same table as each program writes it. Row 5 is empty,
// and a cell of row 6 has a line break.
func TestFilesOfSpreadsheetPrograms(t *testing.T) {
	t.Parallel()
	want := []playercsv.Row{
		{Number: 2, Player: player("device-001", "+61400000000", "ace@example.com", "beta")},
		{Number: 3, Player: player("device-002", "+61400000001", "", "vip", "beta")},
		{Number: 4, Player: player("device-003", "", "blitz@example.com")},
		{Number: 6, Player: player("device-004", "", "nova@example.com", "first line", "second line")},
	}
	for name, columns := range map[string]map[string]string{
		"excel-utf8.csv":         nil,    // a byte order mark and CRLF
		"excel-german.csv":       german, // the same with the separator of a German system
		"excel-tabs.tsv":         nil,
		"excel-macintosh.csv":    nil, // CR
		"excel-sep.csv":          nil, // "sep=;" in the first line, which is not a row
		"libreoffice-quoted.csv": nil, // LF, all text quoted
		"google-sheets.csv":      nil, // CRLF, none at the end
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, err := os.Open(filepath.Join("testdata", name))
			require.NoError(t, err)
			defer file.Close()
			r, err := playercsv.NewReader(file, playercsv.Options{Columns: columns})
			require.NoError(t, err)
			rows := read(t, r)
			require.Len(t, rows, len(want))
			for i, row := range rows {
				require.NoError(t, row.Err)
				assert.Equal(t, want[i].Number, row.Number)
				assert.Equal(t, want[i].Player, row.Player)
			}
		})
	}
}

func player(id, sms, email string, tags ...string) playline.Player {
	return playline.Player{ExternalID: id, Channels: playline.PlayerChannels{SMS: sms, Email: email}, Tags: tags}
}

func read(t *testing.T, r *playercsv.Reader) (rows []playercsv.Row) {
	t.Helper()
	for row, err := range r.Rows() {
		require.NoError(t, err)
		rows = append(rows, row)
	}
	return rows
}

func TestRows(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 200_000)
	for name, test := range map[string]struct {
		text string
		want []string // external ids with their rows, or why there is none
	}{
		"one column":                           {"external_id\nace\n", []string{"2 ace"}},
		"no rows":                              {"external_id\n", nil},
		"no line end":                          {"external_id", nil},
		"empty lines count":                    {"\n\nexternal_id\n\n\nace\n\nblitz", []string{"6 ace", "8 blitz"}},
		"cells are trimmed":                    {"external_id , sms\n  ace\u00a0, \n\tblitz ,\n", []string{"2 ace", "3 blitz"}},
		"quoted cells too":                     {"external_id\n\" ace \"\n \"blitz\" \n", []string{"2 ace", "3 blitz"}},
		"upper case in the header":             {"External_ID\nace\n", []string{"2 ace"}},
		"an id that begins with #":             {"external_id\n# ace\n#blitz\n", []string{"2 # ace", "3 #blitz"}},
		"separators at the ends of the lines":  {"external_id,sms,,\nace,,,\nblitz,\n", []string{"2 ace", "3 blitz"}},
		"a header with a separator in quotes":  {"\"external_id\";\"sms\"\nace;\n", []string{"2 ace"}},
		"a long row":                           {"external_id\n" + long + "\nace\n", []string{"2 " + long, "3 ace"}},
		"a quoted cell over three lines":       {"external_id,tags\nace,\"a\nblitz,b\nc\"\nnova,\n", []string{"2 ace", "3 nova"}},
		"with doubled quotes":                  {"external_id\n\"the \"\"king\"\"\"\n", []string{`2 the "king"`}},
		"an empty quoted cell":                 {"external_id,sms\nace,\"\"\n", []string{"2 ace"}},
		"too few cells":                        {"external_id,sms\nace\nblitz,\n", []string{"2: the row has 1 cells, the header has 2", "3 blitz"}},
		"too many cells":                       {"external_id\nace,x\nblitz\n", []string{"2: the row has 2 cells, the header has 1", "3 blitz"}},
		"a quote in the middle":                {"external_id\nace \"x\"\nblitz\n", []string{"2: a quote is neither", "3 blitz"}},
		"text behind a quoted cell":            {"external_id\n\"ace\"x\nblitz\n", []string{"2: a quote is neither", "3 blitz"}},
		"a quoted cell that swallows a row":    {"external_id,sms\n\"ace,\nblitz,\"x\"\nnova,\n", []string{"2: a quote is neither", "3 nova"}},
		"the rest of a line is not a row":      {"external_id,sms\nace,x\"y,\"a\nblitz,\n", []string{"2: a quote is neither", "3 blitz"}},
		"another encoding":                     {"external_id\nsp\xe4t\nblitz\n", []string{"2: the text is not UTF-8", "3 blitz"}},
		"a separator of its own":               {"sep=|\nexternal_id|sms\na,b|\n", []string{"2 a,b"}},
		"a formula with an apostrophe":         {"external_id\n'=ace\n'blitz\n", []string{"2 =ace", "3 'blitz"}},
		"what Failures adds is ignored":        {"import_row,import_error,external_id\n7,no,ace\n", []string{"2 ace"}},
		"a byte order mark in front of quotes": {"\ufeff\"external_id\"\nace\n", []string{"2 ace"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for how, file := range map[string]io.Reader{
				"at once": strings.NewReader(test.text), "byte by byte": iotest.OneByteReader(strings.NewReader(test.text)),
			} {
				r, err := playercsv.NewReader(file, playercsv.Options{})
				require.NoError(t, err, how)
				rows := read(t, r)
				require.Len(t, rows, len(test.want), how)
				for i, row := range rows {
					got := decimal(row.Number) + " " + row.Player.ExternalID
					if row.Err != nil {
						got = decimal(row.Number) + ": " + row.Err.Error()
					}
					assert.True(t, strings.HasPrefix(got, test.want[i]), "%s: %.80q is not %.80q", how, got, test.want[i])
				}
			}
		})
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text    string
		columns map[string]string
		want    string
	}{
		"empty":                                 {"", nil, "the file is empty"},
		"empty lines":                           {"\n\r\n \n", nil, "the file is empty"},
		"a separator that is none of the usual": {"sep=\"\nexternal_id\n", nil, "neither at the beginning nor"},
		"no header":                             {"ace,+61400000000\n", nil, `column "ace" has no field: map it to one of external_id, sms, email, tags, or to "-"`},
		"no external id":                        {"sms\n+61400000000\n", nil, `no column is external_id: the file has "sms"`},
		"a doubled column":                      {"external_id,email,email\n", nil, `columns "email" and "email" are both email`},
		"doubled by case":                       {"external_id,email,Email\n", nil, `columns "email" and "Email" are both email`},
		"doubled by its mapping":                {"external_id,email,E-Mail\n", map[string]string{"E-Mail": "email"}, `columns "email" and "E-Mail" are both email`},
		"a doubled mapped column":               {"external_id,E-Mail,E-Mail\n", map[string]string{"E-Mail": "email"}, "are both email"},
		"an unknown column":                     {"external_id,level\n", nil, `column "level" has no field`},
		"a column without a name":               {"external_id,,sms\n", nil, `column "" has no field`},
		"mapped to no field":                    {"id\n", map[string]string{"id": "player"}, `column "id" cannot be mapped to "player"`},
		"mapped and not there":                  {"external_id\n", map[string]string{"E-Mail": "email"}, `column "E-Mail" is mapped, but the file has only "external_id"`},
		"external_id ignored":                   {"external_id,sms\n", map[string]string{"external_id": "-"}, "no column is external_id"},
		"a header without an end":               {"\"external_id\n", nil, "row 1: a quoted cell has no end"},
		"a header with a bad quote":             {"external_id\"x\n", nil, "row 1: a quote is neither"},
		"UTF-16":                                {"\xff\xfee\x00x\x00", nil, `save the file as "CSV UTF-8"`},
		"UTF-16, the other way":                 {"\xfe\xff\x00e\x00x", nil, `save the file as "CSV UTF-8"`},
		"not a text":                            {"PK\x03\x04\x00\x00", nil, "not a text at all"},
		"a header in another code":              {"external_id,stra\xdfe\n", nil, "row 1: the text is not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := playercsv.NewReader(strings.NewReader(test.text), playercsv.Options{Columns: test.columns})
			require.ErrorContains(t, err, test.want)
		})
	}
	for name, want := range map[string]string{"excel-windows-1252.csv": "", "excel-unicode-text.tsv": `save the file as "CSV UTF-8"`} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		r, err := playercsv.NewReader(bytes.NewReader(text), playercsv.Options{})
		if want != "" {
			require.ErrorContains(t, err, want)
			continue
		}
		require.NoError(t, err)
		rows := read(t, r)
		require.Len(t, rows, 1)
		assert.ErrorContains(t, rows[0].Err, "the text is not UTF-8")
	}
}

// TestFilesThatEndInAnError: rows before the fault are read, and the fault ends the loop.
func TestFilesThatEndInAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	for name, test := range map[string]struct {
		file io.Reader
		want string
	}{
		"a quote without an end": {strings.NewReader("external_id,sms\nace,\n\"blitz,\nnova,\n"), "row 3: a quoted cell has no end"},
		"a row without an end":   {io.MultiReader(strings.NewReader("external_id\nace\n"), strings.NewReader(strings.Repeat("x", playercsv.MaxRow+1))), "row 3 has more than"},
		"a cell without an end": {
			io.MultiReader(strings.NewReader("external_id\nace\n\""), strings.NewReader(strings.Repeat("x\n", playercsv.MaxRow))), "row 3 has more than",
		},
		"a file that cannot be read": {io.MultiReader(strings.NewReader("external_id\nace\n"), iotest.ErrReader(broken)), "the disk is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := playercsv.NewReader(test.file, playercsv.Options{})
			if err != nil { // the reader has looked that far ahead
				require.ErrorContains(t, err, test.want)
				return
			}
			next, stop := iter.Pull2(r.Rows())
			defer stop()
			row, err, ok := next()
			require.True(t, ok)
			require.NoError(t, err)
			assert.Equal(t, "ace", row.Player.ExternalID)
			_, err, ok = next()
			require.True(t, ok)
			require.ErrorContains(t, err, test.want)
			_, _, ok = next()
			assert.False(t, ok, "the error ends the loop")
		})
	}
}

func TestColumnsAreMapped(t *testing.T) {
	t.Parallel()
	r, err := playercsv.NewReader(strings.NewReader("Notes,E-Mail,Player ID,Email\nx,ace@example.com,ace,old@example.com\n"), playercsv.Options{
		Columns: map[string]string{"E-Mail": "email", " Player ID ": "external_id", //nolint:gocritic // blanks are trimmed
			"Notes": playercsv.Ignore, "Email": playercsv.Ignore},
	})
	require.NoError(t, err)
	rows := read(t, r)
	require.Len(t, rows, 1)
	require.NoError(t, rows[0].Err)
	assert.Equal(t, player("ace", "", "ace@example.com"), rows[0].Player)
	assert.Equal(t, "x,ace@example.com,ace,old@example.com", rows[0].Text())
}

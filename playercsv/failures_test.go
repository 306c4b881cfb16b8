package playercsv_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/playercsv"
)

// Failed rows have the form of the file they come from, and are input again.

func decimal(n int) string { return strconv.Itoa(n) }

// failAll returns the file of failed rows if every row fails with that cause.
func failAll(t *testing.T, text string, columns map[string]string, cause string) string {
	t.Helper()
	r, err := playercsv.NewReader(strings.NewReader(text), playercsv.Options{Columns: columns})
	require.NoError(t, err)
	var out strings.Builder
	failures := playercsv.NewFailures(&out, r)
	require.NoError(t, failures.Header())
	for row, err := range r.Rows() {
		require.NoError(t, err)
		if row.Err == nil {
			row.Err = errors.New(cause)
		}
		require.NoError(t, failures.Write(row, row.Err))
	}
	return out.String()
}

func TestFailuresHaveTheFormOfTheFile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"LF":                {"external_id,sms\nace,1\n", "import_row,import_error,external_id,sms\n2,no,ace,1\n"},
		"CRLF and a mark":   {"\ufeffexternal_id;sms\r\nace;1\r\n", "\ufeffimport_row;import_error;external_id;sms\r\n2;no;ace;1\r\n"},
		"CR":                {"external_id,sms\race,1\r", "import_row,import_error,external_id,sms\r2,no,ace,1\r"},
		"tabs":              {"external_id\tsms\nace\t1\n", "import_row\timport_error\texternal_id\tsms\n2\tno\tace\t1\n"},
		"all columns":       {"external_id,Notes\nace,\"a, \"\"b\"\"\nc\"\n", "import_row,import_error,external_id,Notes\n2,no,ace,\"a, \"\"b\"\"\nc\"\n"},
		"rows of all kinds": {"external_id,sms\n\nace\nblitz,1\n\"nova\"x,1\n", "import_row,import_error,external_id,sms\n3,\"the row has 1 cells, the header has 2\",ace\n4,no,blitz,1\n5,\"a quote is neither at the beginning nor at the end of a cell: write \"\"\"\" for a quote within a quoted cell\",\"nova\"x,1\n"},
		"of an earlier one": {"import_row,import_error,external_id\n7,old,ace\n", "import_row,import_error,external_id\n2,no,ace\n"},
		"a formula":         {"external_id,sms\n=1+1,@x\n", "import_row,import_error,external_id,sms\n2,no,'=1+1,'@x\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			columns := map[string]string{}
			if strings.Contains(test.text, "Notes") {
				columns["Notes"] = playercsv.Ignore
			}
			got := failAll(t, test.text, columns, "no")
			assert.Equal(t, test.want, got)
			// The same rows are read again, and fail again unless somebody corrects them.
			first, second := outline(t, test.text, columns), outline(t, got, columns)
			assert.Equal(t, first, second)
		})
	}
}

// outline is the players and errors of a file, without the numbers of its rows.
func outline(t *testing.T, text string, columns map[string]string) (out []string) {
	t.Helper()
	r, err := playercsv.NewReader(strings.NewReader(text), playercsv.Options{Columns: columns})
	require.NoError(t, err)
	for _, row := range read(t, r) {
		if row.Err != nil {
			out = append(out, "an error")
		} else {
			out = append(out, row.Player.ExternalID+" "+row.Player.Channels.SMS)
		}
	}
	return out
}

// FuzzReader reads any text. The rows of a file that is read are in order; written as failed rows
// and read again they are the same players, and no cell is a formula.
func FuzzReader(f *testing.F) {
	for _, text := range []string{
		"external_id,sms\nace,1\n", "\ufeffexternal_id;tags\r\n\"a\nb\";x\r\n", "sep=\t\nexternal_id\n'=1\n", "external_id\race\r",
		"external_id,sms\n\"ace\"x,\n=1,'@\n", "import_row,import_error,external_id\n1,x,ace\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := playercsv.NewReader(strings.NewReader(text), playercsv.Options{})
		if err != nil {
			return
		}
		var out strings.Builder
		failures := playercsv.NewFailures(&out, r)
		require.NoError(t, failures.Header())
		var ids []string
		last := 0
		for row, err := range r.Rows() {
			if err != nil {
				break
			}
			require.Greater(t, row.Number, last)
			last = row.Number
			if row.Err != nil {
				continue
			}
			ids = append(ids, row.Player.ExternalID)
			require.NoError(t, failures.Write(row, errors.New("no")))
		}
		again, err := playercsv.NewReader(strings.NewReader(out.String()), playercsv.Options{})
		require.NoError(t, err)
		var got []string
		for row, err := range again.Rows() {
			require.NoError(t, err)
			require.NoError(t, row.Err)
			got = append(got, row.Player.ExternalID)
		}
		require.Equal(t, ids, got)
	})
}

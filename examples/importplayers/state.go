package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/playline/playline-go"
)

// state is where the import of a file stands. It lies beside the file while there is something to go on with. A killed import begins again
// at the last one, and sends some players a second time: an import creates or updates, so that changes nothing.
type state struct {
	Size     int64                `json:"size"` // of the file, to notice that it is another one
	Modified time.Time            `json:"modified"`
	Point    playline.ImportPoint `json:"point"` // the exact place: players settled, in order and behind it
	Imported int                  `json:"imported"`
	Failed   int                  `json:"failed"`
	Bytes    int64                `json:"failed_bytes"` // of the file of failed rows: what is behind was written by a run that was killed

	resumed bool // it was loaded
}

func statePath(input string) string { return input + ".state" }

// failedPath is where the failed rows of a file go: players.csv to players.failed.csv.
func failedPath(input string) string {
	extension := filepath.Ext(input)
	return strings.TrimSuffix(input, extension) + ".failed" + extension
}

// loadState returns where an earlier run stopped, or the beginning.
func loadState(input string) (state, error) {
	info, err := os.Stat(input)
	if err != nil {
		return state{}, err
	}
	s := state{Size: info.Size(), Modified: info.ModTime().UTC()}
	f, err := openOwn(statePath(input), os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	defer f.Close()
	kept, err := io.ReadAll(f)
	if err != nil {
		return s, err
	}
	var earlier state
	if err := json.Unmarshal(kept, &earlier); err != nil {
		return s, fmt.Errorf("%s cannot be read; remove it to begin anew: %w", statePath(input), err)
	}
	if earlier.Size != s.Size || !earlier.Modified.Equal(s.Modified) {
		return s, fmt.Errorf("%s has changed since the import stopped; remove %s to begin anew", input, statePath(input))
	}
	earlier.resumed = true
	return earlier, nil
}

// save replaces the state in one step, so that there is always a whole one. The next state gets a name that nobody can guess, and the
// renaming replaces a planted link and not the file behind it.
func (s state) save(input string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	next, err := os.CreateTemp(filepath.Dir(input), filepath.Base(statePath(input))+".*.new")
	if err != nil {
		return err
	}
	_, err = next.Write(text)
	if err = errors.Join(err, next.Close()); err == nil {
		err = os.Rename(next.Name(), statePath(input))
	}
	if err != nil {
		return errors.Join(err, os.Remove(next.Name()))
	}
	return nil
}

// failedRows is the file of rows that failed, each behind a comment that says why. It is input again once it is mended.
type failedRows struct {
	file *os.File
	w    *bufio.Writer // keeps its first error, see close
}

// openFailed goes on behind what the state knows of. A new import does not write over the file of an earlier one: somebody may be mending it.
func openFailed(r *rows, s state) (*failedRows, error) {
	path := failedPath(r.path)
	var f *os.File
	var err error
	if s.resumed {
		f, err = openOwn(path, os.O_RDWR)
	} else {
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // it holds addresses
	}
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s is there, from an earlier import; import it or move it away first", path)
	}
	if err != nil {
		return nil, err
	}
	if err := cut(f, s.Bytes); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w; to begin anew remove %s and it", path, err, statePath(r.path)), f.Close())
	}
	failed := &failedRows{f, bufio.NewWriter(f)}
	if s.Bytes == 0 && r.header != "" {
		fmt.Fprintln(failed.w, r.header)
	}
	return failed, nil
}

// cut leaves what the state knows of.
func cut(f *os.File, length int64) error {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if size < length {
		return errors.New("it has changed since the import stopped")
	}
	if err := f.Truncate(length); err != nil {
		return err
	}
	_, err = f.Seek(length, io.SeekStart)
	return err
}

func (f *failedRows) add(row int, cause error, line string) {
	why := strings.Join(strings.Fields(cause.Error()), " ") // on one line
	fmt.Fprintf(f.w, "# row %d: %s\n%s\n", row, asText(why), line)
}

// close returns how long the file is. Only then may the state say that these rows are settled.
func (f *failedRows) close() (int64, error) {
	if err := errors.Join(f.w.Flush(), f.file.Sync()); err != nil {
		return 0, errors.Join(err, f.file.Close())
	}
	size, err := f.file.Seek(0, io.SeekEnd)
	return size, errors.Join(err, f.file.Close())
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/playline/playline-go"
)

// The state of an import, in a file beside its input.

// state is where the import of a file is. It is written before the first request, about once a
// second and at the end, and it is removed when the import is done. A killed import goes on from
// the last one and sends some players a second time. That changes nothing, because an import
// creates or updates.
type state struct {
	Size     int64                `json:"size"` // of the file, to notice that it is another one
	Modified time.Time            `json:"modified"`
	Columns  map[string]string    `json:"columns,omitempty"` // of -map
	Point    playline.ImportPoint `json:"point"`
	Imported int                  `json:"imported"`
	Failed   int                  `json:"failed"`
	// Unaccounted is as in playline.ImportProgress.
	Unaccounted int `json:"unaccounted,omitempty"`
	// FailedFile, beside the input, has the failed rows before Point.Next in the file's order. A
	// killed run may have written more than FailedBytes; the next run cuts that off.
	FailedFile  string `json:"failed_file"`
	FailedBytes int64  `json:"failed_bytes"`
	// Later are failed rows behind Point.Next: rows before them are still under way.
	Later map[int]string `json:"later,omitempty"`

	resumed bool // it was loaded
}

// settled is how many rows need no more request.
func (s state) settled() int { return s.Imported + s.Failed + s.Unaccounted }

// failedFile is the path of the file of failed rows.
func (s state) failedFile(input string) string {
	return filepath.Join(filepath.Dir(input), s.FailedFile)
}

func statePath(input string) string { return input + ".state" }

// failedPath is where the failed rows of a file go: players.csv to players.failed.csv, or to
// players.failed-2.csv if an earlier import left that one, and so on.
func failedPath(input string, n int) string {
	extension := filepath.Ext(input)
	number := ""
	if n > 1 {
		number = fmt.Sprintf("-%d", n)
	}
	return strings.TrimSuffix(input, extension) + ".failed" + number + extension
}

// loadState returns where an earlier run stopped, or the beginning. note says why an earlier run
// does not count.
func loadState(t *table) (s state, note string, err error) {
	info, err := os.Stat(t.path)
	if err != nil {
		return state{}, "", err
	}
	s = state{Size: info.Size(), Modified: info.ModTime().UTC(), Columns: t.columns}
	f, err := openOwn(statePath(t.path), os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return s, "", nil
	}
	if err != nil {
		return s, "", err
	}
	defer f.Close()
	kept, err := io.ReadAll(f)
	if err != nil {
		return s, "", err
	}
	var earlier state
	if err := json.Unmarshal(kept, &earlier); err != nil {
		return s, "", fmt.Errorf("%s cannot be read; remove it to begin again: %w", statePath(t.path), err)
	}
	switch {
	case earlier.Size != s.Size || !earlier.Modified.Equal(s.Modified):
		note = fmt.Sprintf("%s has changed since an import of it stopped", t.path)
	case !maps.Equal(earlier.Columns, s.Columns):
		note = fmt.Sprintf("the columns of %s are mapped in another way than when an import of it stopped", t.path)
	default:
		earlier.resumed = true
		return earlier, "", nil
	}
	if earlier.FailedBytes > 0 {
		note += fmt.Sprintf("; its %d failed rows are in %s", earlier.Failed-len(earlier.Later), earlier.failedFile(t.path))
	}
	return s, note + "; beginning at the first row", nil
}

// save replaces the state in one step, so that there is always a whole one. The next state gets a
// name that nobody can guess, and the renaming replaces a planted link and not the file behind it.
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
	if err = errors.Join(err, next.Sync(), next.Close()); err == nil {
		err = os.Rename(next.Name(), statePath(input))
	}
	if err != nil {
		return errors.Join(err, os.Remove(next.Name()))
	}
	return nil
}

// removeState removes the state, and the next states that killed runs left behind.
func removeState(input string) error {
	left, _ := filepath.Glob(statePath(input) + ".*.new")
	for _, path := range append(left, statePath(input)) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// maxFailedFiles is how many files of failed rows an input may have.
const maxFailedFiles = 1000

// openFailed opens the file of failed rows that s names, and cuts off what s does not know of. A
// new import gets a file of its own: a person may be correcting the one of last night.
func openFailed(t *table, s *state) (*os.File, error) {
	if s.resumed {
		f, err := openOwn(s.failedFile(t.path), os.O_RDWR)
		if err != nil {
			return nil, fmt.Errorf("the failed rows of the import that stopped: %w; to begin again remove %s", err, statePath(t.path))
		}
		if err := cut(f, s.FailedBytes); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w; to begin again remove %s", s.failedFile(t.path), err, statePath(t.path)), f.Close())
		}
		return f, nil
	}
	for n := 1; n <= maxFailedFiles; n++ {
		path := failedPath(t.path, n)
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // it holds addresses
		if errors.Is(err, fs.ErrExist) {
			// A run that was killed at once left an empty one.
			if info, statErr := os.Lstat(path); statErr != nil || info.Size() > 0 {
				continue
			}
			if f, err = openOwn(path, os.O_RDWR); err != nil {
				continue
			}
		}
		s.FailedFile = filepath.Base(path)
		return f, err
	}
	return nil, fmt.Errorf("%s to %s exist; import or remove them", failedPath(t.path, 1), failedPath(t.path, maxFailedFiles))
}

// cut leaves the first length bytes.
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

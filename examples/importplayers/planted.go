package main

import (
	"fmt"
	"os"
)

// The files beside the input have names that anybody can guess. In a folder that others write to,
// one of them can be a link that somebody planted there, and a write through it would destroy the
// file behind it.

// openOwn opens a file that an earlier run left. It refuses what this program cannot have made: a
// link, a device, a pipe, a file of another user, and one that has a second name.
func openOwn(path string, flags int) (*os.File, error) {
	named, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !named.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file of an import but a link or a device; remove it", path)
	}
	f, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return nil, err
	}
	// Without the second look a link could take the file's place between the first one and the
	// opening.
	opened, err := f.Stat()
	if err == nil && (!os.SameFile(named, opened) || !ours(opened)) {
		err = fmt.Errorf("%s belongs to somebody else, or is the same file as another; remove it", path)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

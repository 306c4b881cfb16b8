package spool

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Open opens a directory, and creates it (mode 0700) if it does not exist. An existing directory
// keeps its mode. Others must not be able to write to it, see [ErrUnsafe]. Open first commits the
// stages of an earlier process, and sets damaged files aside. Damage and a full disk do not keep it
// from working: on a full disk, Recover returns all accepted events, and Append returns ErrFull
// until there is room.
//
// Open fails if another process has the directory open ([ErrInUse]), if a later version wrote there
// ([ErrNewer]), and if the system denies reading or writing.
func Open(dir string, opts Options) (*Spool, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	held, err := openDirectory(dir, false)
	if err != nil {
		return nil, err
	}
	s := &Spool{
		dir: held, opts: opts, name: held.name(),
		round: &round{done: make(chan struct{})},
		wake:  make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	if err := s.prepare(); err != nil {
		err = fmt.Errorf("spool: cannot open %s: %w", held.path, err)
		return nil, errors.Join(err, s.release())
	}
	go s.run()
	return s, nil
}

// prepare commits old stages and sets damaged files aside.
func (s *Spool) prepare() error {
	found, err := load(s.dir, &s.mem)
	if err != nil {
		return err
	}
	s.segments = found.segments
	if err := s.dir.clear(); err != nil {
		return err
	}
	if s.reserve, err = newReserve(s.dir); err != nil {
		return err
	}
	if s.dead, err = openDead(s.dir, s.opts); err != nil {
		return fmt.Errorf("dead letters: %w", err)
	}
	s.generation, s.next, s.backlog = found.generation+1, found.next, found.staged
	for _, d := range found.stages {
		if d, err = s.dir.setStageAside(d); err != nil {
			return err
		}
		s.opts.Report(d)
	}
	for _, seg := range s.segments {
		s.stored = max(s.stored, seg.last())
		s.size += seg.bytes
		if seg.members.left > 0 {
			s.game.meets(seg.game)
		}
	}
	for _, b := range s.backlog {
		for _, c := range b.chunks {
			s.size += int64(len(c.data))
		}
		if b.count() > 0 {
			s.game.meets(b.game)
		}
	}
	s.disk.Lock()
	err = described(s.tidy())
	s.disk.Unlock()
	if ready := s.ready(); ready != nil || err != nil {
		s.failure = errors.Join(ready, err)
	}
	if s.failure == nil || errors.Is(s.failure, ErrFull) {
		return nil
	}
	return s.failure
}

// clear removes the leftovers of a process that died while it created or replaced a file. It takes
// the rights of others away from files that were set aside.
func (d *directory) clear() error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name, of, ok := entry.Name(), "", false
		if strings.HasSuffix(name, ".spool.tmp") {
			if err := os.RemoveAll(d.at(name)); err != nil {
				return err
			}
			continue
		}
		if of, _, ok = strings.Cut(name, ".damaged"); !ok || !entry.Type().IsRegular() {
			continue
		}
		f, err := d.open(name, os.O_RDONLY)
		if err != nil {
			return err
		}
		info, err := f.Stat()
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		// This is a second name of the file itself. The file was not replaced yet, and is set aside
		// again if it is still damaged.
		if other, err := os.Lstat(d.at(of)); err == nil && os.SameFile(info, other) {
			if err := os.Remove(d.at(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// setStageAside keeps a copy of a damaged stage for later inspection. If it has readable events,
// the stage itself stays until they are committed.
func (d *directory) setStageAside(damage Damage) (Damage, error) {
	aside := damage.Path + ".damaged"
	if err := os.RemoveAll(aside); err != nil {
		return damage, err
	}
	if damage.Salvaged == 0 {
		if err := os.Rename(damage.Path, aside); err != nil {
			return damage, err
		}
		damage.Path = aside
		return damage, nil
	}
	name := damage.Path[len(d.at(""))+1:]
	mem, err := readStage(d, name)
	if err == nil {
		err = d.write(name+".damaged", mem)
	}
	if err != nil { // a full disk; what was read of it counts more
		damage.Err = errors.Join(damage.Err, err)
		return damage, nil
	}
	damage.Path = aside
	return damage, nil
}

// game is the game of the events in the spool. A directory has events of one game, because a
// batcher sends all of them as its own game.
type game struct {
	id    string
	known bool
}

// meets takes the game of an event. It returns false if it is another game. Files of version 1 name
// no game.
func (g *game) meets(id string) bool {
	if !g.known && id != "" {
		g.id, g.known = id, true
	}
	return id == "" && !g.known || g.id == id
}

// release closes all open files. The committing goroutine must not be running.
func (s *Spool) release() (err error) {
	for _, seg := range s.segments {
		err = errors.Join(err, seg.leave())
	}
	for _, st := range s.stages {
		if st != nil {
			err = errors.Join(err, st.close())
		}
	}
	return errors.Join(err, s.dead.close(), s.dir.close())
}

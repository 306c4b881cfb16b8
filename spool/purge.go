package spool

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"strings"
)

// Forgetting a player for good. Settled events stay in a file until it goes, so a purge rewrites
// files and overwrites the old ones.

// Purged counts the results of a Purge.
type Purged struct {
	Events int      // of the player, that waited
	Dead   int      // of the player, among the dead letters
	Others int      // events of other players that wait
	Files  int      // in which the player's bytes were overwritten
	Left   []string // damaged files that still hold the player's id, in what can no longer be read as a record: delete these
}

// Purge forgets a player in a directory that no process has open. It covers waiting events, settled
// events that are still in a file, the stages, the dead letters, and files that were set aside as
// damaged. It overwrites the bytes and syncs. It cannot reach old blocks of a file system that
// writes each block to a new place, the spare blocks of an SSD, snapshots and backups.
//
// After an error some of the bytes may still be there: call Purge again.
func Purge(ctx context.Context, dir, userID string, report func(Damage)) (p Purged, err error) {
	if userID == "" {
		return p, errors.New("spool: purge: the player's id is empty")
	}
	v, err := Inspect(dir) // what is no spool does not become one
	if err != nil {
		return p, err
	}
	if err := v.Close(); err != nil {
		return p, err
	}
	s, err := Open(dir, Options{Report: report})
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var ids []uint64
	for e, err := range s.Recover(ctx) {
		switch {
		case err != nil:
			return p, err
		case e.UserID == userID:
			ids = append(ids, e.ID)
		default:
			p.Others++
		}
	}
	p.Events = len(ids)
	if err := errors.Join(s.Settled(ctx, ids), s.Sync(ctx)); err != nil {
		return p, err
	}
	if p.Dead, err = s.dead.drop(func(l *DeadLetter) bool { return l.UserID == userID }); err != nil {
		return p, described(err)
	}
	err = s.purge(userID, &p)
	return p, described(err)
}

// purge overwrites what is settled, in the stages, and set aside.
func (s *Spool) purge(userID string, p *Purged) error {
	s.disk.Lock()
	defer s.disk.Unlock()
	kept := s.segments[:0:0]
	var failed error
	for i, seg := range s.segments {
		instead, done, err := s.purgeSegment(seg, userID, i == len(s.segments)-1)
		if done {
			p.Files++
		}
		kept, failed = append(kept, instead...), errors.Join(failed, err)
	}
	s.segments = kept
	s.mu.Lock()
	for _, st := range s.stages {
		failed = errors.Join(failed, st.wipe())
	}
	s.mu.Unlock()
	names, err := os.ReadDir(s.dir.path)
	for _, entry := range names {
		if !strings.Contains(entry.Name(), ".damaged") || !entry.Type().IsRegular() {
			continue
		}
		left, done, err := s.dir.purgeDamaged(entry.Name(), userID)
		if done {
			p.Files++
		}
		if left {
			p.Left = append(p.Left, s.dir.at(entry.Name()))
		}
		failed = errors.Join(failed, err)
	}
	return errors.Join(failed, err)
}

// purgeSegment rewrites a segment without the player, and overwrites the old file. It returns the
// replacement.
func (s *Spool) purgeSegment(seg *segment, userID string, last bool) (instead []*segment, done bool, err error) {
	instead = []*segment{seg}
	f, err := s.dir.open(seg.name, os.O_RDONLY)
	if err != nil {
		return instead, false, err
	}
	info, err := f.Stat()
	if err != nil {
		return instead, false, errors.Join(err, f.Close())
	}
	data, err := readBlocks(f, make([]byte, info.Size()))
	if err := errors.Join(err, f.Close()); err != nil {
		return instead, false, err
	}
	if !bytes.Contains(data, []byte(userID)) {
		return instead, false, nil
	}
	waiting, err := seg.pending()
	if err != nil {
		return instead, false, err
	}
	err = s.dir.overwritten(seg.name, func() error {
		if err := seg.close(); err != nil {
			return err
		}
		if instead, err = s.rewritten(seg, waiting, last); err != nil {
			return err
		}
		if len(instead) == 0 || instead[0].first != seg.first { // nobody took its name
			return errors.Join(os.Remove(seg.path), s.dir.sync())
		}
		return nil
	})
	return instead, err == nil, err
}

// overwritten calls a function that gives a file's name to another or removes it, and puts zeros
// over the file that had it.
func (d *directory) overwritten(name string, replace func() error) error {
	old := name
	if !holdsFiles { // an open file cannot be replaced, so it gets another name
		old = name + ".old.spool.tmp"
		if err := os.Link(d.at(name), d.at(old)); err != nil {
			return err
		}
		if err := replace(); err != nil {
			return errors.Join(err, os.Remove(d.at(old)))
		}
	}
	f, err := d.open(old, os.O_RDWR)
	if err != nil {
		return err
	}
	if holdsFiles {
		err = replace()
	}
	if err == nil {
		err = overwrite(f)
	}
	err = errors.Join(err, f.Close())
	if err == nil && !holdsFiles {
		err = os.Remove(d.at(old))
	}
	return err
}

// wipe overwrites what is behind the head. Nothing waits in the stage.
func (s *stage) wipe() error {
	if !s.empty() {
		return errors.New("a stage is not committed")
	}
	err := guarded(func() error { clear(s.mem[stageHead:]); return s.mem.Flush() })
	return errors.Join(err, s.file.Sync())
}

// purgeDamaged overwrites the player's records in a file that was set aside. left reports whether
// the id is still in the file.
func (d *directory) purgeDamaged(name, userID string) (left, done bool, err error) {
	f, err := d.open(name, os.O_RDWR)
	if err != nil {
		return false, false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, false, err
	}
	data, _ := readBlocks(f, make([]byte, info.Size())) // what cannot be read cannot be overwritten, either
	for at := 0; ; {
		next := bytes.Index(data[at:], []byte(userID))
		if next < 0 {
			break
		}
		at += next
		if from, to, ok := recordAround(data, at, userID); ok {
			clear(data[from:to])
			if _, err := f.WriteAt(data[from:to], int64(from)); err != nil {
				return true, done, err
			}
			at, done = to, true
			continue
		}
		left = left || at > 0 && data[at-1] == byte(len(userID)) // as in a record; else it is a part of something else
		at++
	}
	return left, done, f.Sync()
}

// recordAround returns the start and the end of the event's record that has the player's id at a
// place. The checksum does not help, because its generation may be lost. Of several possible
// lengths, the right one ends with the event's JSON. If no length does, recordAround returns the
// greatest.
func recordAround(data []byte, at int, userID string) (from, to int, ok bool) {
	for start := max(at-maxHead-1-3*binary.MaxVarintLen64, 0); start < at; start++ {
		size, w := binary.Uvarint(data[min(start+crc32.Size, len(data)):])
		body := start + crc32.Size + w
		if w <= 0 || body >= at || size > maxRecord || uint64(at-body+len(userID)) > size {
			continue
		}
		if k := kind(data[body]); k != event && k != eventOnce {
			continue
		}
		f := fields{rest: data[body+1:]}
		f.uvarint()
		f.uvarint()
		if n := f.uvarint(); f.bad || n != uint64(len(userID)) || len(data)-len(f.rest) != at {
			continue
		}
		end := min(body+int(size), len(data))
		if json.Valid(data[at+len(userID) : end]) {
			return start, end, true
		}
		if !ok || end > to {
			from, to, ok = start, end, true
		}
	}
	if rest := at + len(userID); !ok && at > 0 && data[at-1] == byte(len(userID)) { // the record's beginning is written over
		decoder := json.NewDecoder(bytes.NewReader(data[rest:min(rest+maxRecord, len(data))]))
		if decoder.Decode(new(json.RawMessage)) == nil {
			return at, rest + int(decoder.InputOffset()), true
		}
	}
	return from, to, ok
}

// overwrite puts zeros over a file's bytes, whether it still has a name or not.
func overwrite(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	zeros := make([]byte, 64<<10)
	for at := int64(0); at < info.Size(); at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(int64(len(zeros)), info.Size()-at)], at); err != nil {
			return fmt.Errorf("cannot overwrite %s: %w", f.Name(), err)
		}
	}
	return f.Sync()
}

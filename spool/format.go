package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The versions of the files. Each file says which one it has:
//
//	1  segments and stages without a head
//	2  a segment has a head beside its total, a stage before its records; both name the game
//
// Every later version keeps the heads where they are, so that an earlier program can say that it is
// too old. Version 1 is still read.
const (
	formatVersion = 2
	stageMagic    = "plst"
	stageHead     = len(stageMagic) + 4 + 8 // the magic, the version, the generation
	stageHead1    = 8                       // of version 1: the generation
)

// ErrNewer is the cause when a later version of this package wrote a file. Nothing is changed then.
var ErrNewer = errors.New("a later version of package spool wrote it: open it with that version")

func newer(version uint32) error {
	return fmt.Errorf("its format is %d, and this program knows those up to %d: %w", version, formatVersion, ErrNewer)
}

// head is what a segment says about itself.
type head struct {
	version uint32 // 1 where there is none
	game    string // "" where it is not known
}

var headKey = []byte("head") // in the bucket of the notes, behind them

func (h head) encode() []byte {
	b := binary.BigEndian.AppendUint32(nil, h.version)
	b = append(b, h.game...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeHead reads a head. That of version 1 is not there.
func decodeHead(b []byte) (h head, err error) {
	if b == nil {
		return head{version: 1}, nil
	}
	at := len(b) - crc32.Size
	if at < 4 || crc32.Checksum(b[:at], castagnoli) != binary.BigEndian.Uint32(b[at:]) {
		return head{}, errors.New("the head's checksum does not match")
	}
	h = head{binary.BigEndian.Uint32(b), string(b[4:at])}
	if h.version > formatVersion {
		return h, newer(h.version)
	}
	return h, nil
}

// appendStageHead appends how a stage begins.
func appendStageHead(dst []byte, generation uint64) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, stageMagic...), formatVersion)
	return binary.BigEndian.AppendUint64(dst, generation)
}

// stageHeadOf reads the head of a stage, and returns the offset of its records.
func stageHeadOf(mem []byte) (generation uint64, records int, err error) {
	switch {
	case len(mem) < stageHead:
		return 0, len(mem), nil // it was being made
	case string(mem[:len(stageMagic)]) != stageMagic:
		if binary.BigEndian.Uint32(mem) != 0 { // no process fills four billion stages
			return 0, len(mem), errors.New("it does not begin like a stage")
		}
		return binary.BigEndian.Uint64(mem), stageHead1, nil
	}
	version := binary.BigEndian.Uint32(mem[len(stageMagic):])
	generation = binary.BigEndian.Uint64(mem[len(stageMagic)+4:])
	switch {
	case version > formatVersion:
		return generation, len(mem), newer(version)
	case version < 2 || generation >= maxID:
		return 0, len(mem), errors.New("its head makes no sense")
	}
	return generation, stageHead, nil
}

package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// total counts the events and the ids in notes that were ever written to a segment. Every commit
// writes it. The engine has no checksum over its pages: a page with a damaged number of elements
// looks sound and holds less. The total shows that, because the read records do not add up.
type total struct {
	events, notes uint64
}

var totalKey = []byte("total") // in the bucket of the notes, behind them

func (t total) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, t.events)
	b = binary.BigEndian.AppendUint64(b, t.notes)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeTotal reads a total; that of a new file is not there yet.
func decodeTotal(b []byte) (t total, err error) {
	switch {
	case b == nil:
		return t, nil
	case len(b) != 20 || crc32.Checksum(b[:16], castagnoli) != binary.BigEndian.Uint32(b[16:]):
		return t, errors.New("the total's checksum does not match")
	}
	return total{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}, nil
}

// missing returns errors for the records of a total that were not read.
func (t total) missing(read total) (events, notes error) {
	if read.events != t.events {
		events = fmt.Errorf("%s: %d of %d can be read", eventsBucket, read.events, t.events)
	}
	if read.notes != t.notes {
		notes = fmt.Errorf("%s: %d of %d can be read", notesBucket, read.notes, t.notes)
	}
	return events, notes
}

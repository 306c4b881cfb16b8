package spool

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/bits"
	"slices"
	"time"

	"github.com/playline/playline-go/batcher"
)

// kind is what a record is about.
type kind byte

const (
	event     kind = 'e'
	eventOnce kind = 'o' // one that must not be sent again in doubt
	gameOf    kind = 'g' // the game of the events behind it, in a stage

	letterKind kind = 'l' // a dead letter, in its own file
	sending    kind = 's' // a note: these ids are about to be sent
	settled    kind = 'd' // a note: these ids are done
)

// A record is a checksum, the length of the body, and the body. The stage and the segments hold the
// same bytes.
//
//	crc32c, 4 bytes | uvarint length | kind | body
//
// The body depends on the kind:
//
//	event  uvarint id, uvarint milliseconds, uvarint length of the player, player, JSON
//	note   pairs of varint and uvarint: distance of a run from the end of the last one, its length
//	game   its id
//
// The checksum begins with that of the generation, which is one filling of a stage. Leftovers of an
// earlier filling therefore never pass for a record of this one.
const maxHead = crc32.Size + binary.MaxVarintLen32

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func seedOf(generation uint64) uint32 {
	return crc32.Checksum(binary.BigEndian.AppendUint64(nil, generation), castagnoli)
}

// appendRecord appends a record whose body is put together by the function.
func appendRecord(dst []byte, seed uint32, size int, body func([]byte) []byte) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.AppendUvarint(dst, uint64(size))
	dst = body(dst)
	binary.LittleEndian.PutUint32(dst[at:], crc32.Update(seed, castagnoli, dst[at+crc32.Size:]))
	return dst
}

// appendEvent appends an event's record. Track waits for it, so it is written out and not put
// together by appendRecord.
func appendEvent(dst []byte, seed uint32, id uint64, e *batcher.StoredEvent) []byte {
	ms := uint64(max(e.Accepted.UnixMilli(), 0))
	size := 1 + uvarintLen(id) + uvarintLen(ms) + uvarintLen(uint64(len(e.UserID))) + len(e.UserID) + len(e.JSON)
	k := event
	if e.Once {
		k = eventOnce
	}
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = append(binary.AppendUvarint(dst, uint64(size)), byte(k))
	dst = binary.AppendUvarint(dst, id)
	dst = binary.AppendUvarint(dst, ms)
	dst = binary.AppendUvarint(dst, uint64(len(e.UserID)))
	dst = append(append(dst, e.UserID...), e.JSON...)
	binary.LittleEndian.PutUint32(dst[at:], crc32.Update(seed, castagnoli, dst[at+crc32.Size:]))
	return dst
}

// eventSize bounds the bytes of an event's record.
func eventSize(e *batcher.StoredEvent) int {
	return maxHead + 1 + 3*binary.MaxVarintLen64 + len(e.UserID) + len(e.JSON)
}

// noteRuns is how many runs of ids a note holds at most, so that it fits into a stage.
const noteRuns = 10_000

// appendNotes appends as many notes as the ids need.
func appendNotes(dst []byte, seed uint32, k kind, ids []run) []byte {
	for some := range slices.Chunk(ids, noteRuns) {
		dst = appendNote(dst, seed, k, some)
	}
	return dst
}

// appendNote appends a note about at most noteRuns runs of ids. They need not be sorted. A run
// takes two bytes or a few.
func appendNote(dst []byte, seed uint32, k kind, ids []run) []byte {
	body := []byte{byte(k)}
	var end uint64
	for _, r := range ids {
		body = binary.AppendVarint(body, int64(r.first-end)) // wraps round where ids are not sorted, and back when read
		body = binary.AppendUvarint(body, r.n)
		end = r.end()
	}
	return appendRecord(dst, seed, len(body), func(b []byte) []byte { return append(b, body...) })
}

// noteSize bounds the bytes of a note's record.
func noteSize(ids []run) int { return maxHead + 1 + 2*binary.MaxVarintLen64*len(ids) }

func appendGame(dst []byte, seed uint32, game string) []byte {
	return appendRecord(dst, seed, 1+len(game), func(b []byte) []byte { return append(append(b, byte(gameOf)), game...) })
}

// gameSize bounds the bytes of a game's record.
func gameSize(game string) int { return maxHead + 1 + len(game) }

// record is a decoded one. Its slices are those of the bytes that it was read from.
type record struct {
	kind  kind
	event batcher.StoredEvent // of an event
	ids   []run               // of a note
	game  string
}

// readBody returns the body of the first record of b, and the length of the record, even if its
// checksum does not match.
func readBody(b []byte, seed uint32) (body []byte, n int, err error) {
	if len(b) < crc32.Size+2 {
		return nil, 0, errChecksum
	}
	size, w := binary.Uvarint(b[crc32.Size:])
	if w <= 0 || size == 0 || size > uint64(len(b)-crc32.Size-w) {
		return nil, 0, errChecksum
	}
	n = crc32.Size + w + int(size)
	if crc32.Update(seed, castagnoli, b[crc32.Size:n]) != binary.LittleEndian.Uint32(b) {
		return nil, n, errChecksum
	}
	return b[crc32.Size+w : n], n, nil
}

// readRecord decodes the first record of b and returns its length.
func readRecord(b []byte, seed uint32) (r record, n int, err error) {
	return readRecordOf(b, seed, nil)
}

// names are players' ids that were read before: most events of a file are of few players.
type names map[string]string

// of returns the text of some bytes.
func (n names) of(b []byte) string {
	if n == nil {
		return string(b)
	}
	text, ok := n[string(b)]
	if !ok {
		if len(n) == 10_000 {
			clear(n)
		}
		text = string(b)
		n[text] = text
	}
	return text
}

// readRecordOf is readRecord, with the players' ids that are known.
func readRecordOf(b []byte, seed uint32, users names) (r record, n int, err error) {
	body, n, err := readBody(b, seed)
	if err != nil {
		return r, 0, err
	}
	r.kind = kind(body[0])
	f := fields{rest: body[1:]}
	switch r.kind {
	case event, eventOnce:
		r.event.ID = f.uvarint()
		r.event.Accepted = time.UnixMilli(int64(f.uvarint()))
		user := f.uvarint()
		if f.bad || user > uint64(len(f.rest)) || r.event.ID == 0 || r.event.ID >= maxID {
			return r, 0, errMalformed
		}
		r.event.UserID = users.of(f.rest[:user])
		r.event.JSON = f.rest[user:]
		r.event.Once = r.kind == eventOnce
	case sending, settled:
		var end uint64
		for len(f.rest) > 0 {
			first := end + uint64(f.varint()) // a step back wraps round
			ids := run{first, f.uvarint()}
			if f.bad || ids.n == 0 || first == 0 || first >= maxID || ids.n >= maxID || len(r.ids) == noteRuns {
				return r, 0, errMalformed
			}
			r.ids = append(r.ids, ids)
			end = ids.end()
		}
	case gameOf:
		r.game = string(f.rest)
	default:
		return r, 0, errMalformed
	}
	return r, n, nil
}

// records visits the records of a value, and how long each is. Behind one that is damaged it goes
// on with the next that is whole, and returns what was wrong with the first.
func records(value []byte, seed uint32, visit func(r record, n int)) (damage error) {
	for len(value) > 0 {
		r, n, err := readRecord(value, seed)
		if err == nil {
			visit(r, n)
			value = value[n:]
			continue
		}
		if damage == nil {
			damage = err
		}
		if len(value) > chunkBytes { // it is the only one in its value
			return damage
		}
		for value = value[1:]; len(value) > 0 && !mayBegin(value); value = value[1:] {
		}
	}
	return damage
}

// mayBegin reports whether a record may begin here. It avoids the checksum at most other places.
func mayBegin(b []byte) bool {
	if len(b) < crc32.Size+2 {
		return false
	}
	_, w := binary.Uvarint(b[crc32.Size:])
	if w <= 0 || crc32.Size+w >= len(b) {
		return false
	}
	switch kind(b[crc32.Size+w]) {
	case event, eventOnce, sending, settled, gameOf, letterKind:
		return true
	}
	return false
}

// errMalformed is a record whose checksum matches and that makes no sense: another version of the
// package wrote it.
var errMalformed = errors.New("a record is of an unknown form: was it written by a later version?")

// fields reads numbers off a record's body.
type fields struct {
	rest []byte
	bad  bool
}

func (f *fields) uvarint() uint64 {
	v, n := binary.Uvarint(f.rest)
	return took(f, v, n)
}

func (f *fields) varint() int64 {
	v, n := binary.Varint(f.rest)
	return took(f, v, n)
}

func took[T any](f *fields, v T, n int) T {
	if n <= 0 {
		f.bad, f.rest = true, nil
		return v
	}
	f.rest = f.rest[n:]
	return v
}

func uvarintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

package main

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"time"
)

// Every event holds a type, a timestamp and three fields: 133 bytes of JSON. The eid numbers the
// events of a run from 0, so that the sink knows which of them arrived, and how often.
const (
	eventType   = "LevelCompleted"
	eventWeapon = "railgun"
	gameID      = "com.example.stackblaster"
)

func eventDamage(eid int) int { return 10 + eid%90 }

// appendEvent encodes an event with plain appends, the fastest way for these fields.
func appendEvent(b []byte, at time.Time, eid int) []byte {
	b = append(b, `{"type":"`+eventType+`","timestamp":"`...)
	b = appendTime(b, at)
	b = append(b, `","customdata":{"weapon":"`+eventWeapon+`","damage":`...)
	b = strconv.AppendInt(b, int64(eventDamage(eid)), 10)
	b = append(b, `,"eid":`...)
	b = strconv.AppendInt(b, int64(eid), 10)
	return append(b, '}', '}')
}

// appendTime appends a time of UTC with nanoseconds and a numeric offset.
func appendTime(b []byte, at time.Time) []byte {
	year, month, day := at.Date()
	hour, minute, second := at.Clock()
	b = append(appendTwo(appendTwo(b, year/100), year%100), '-')
	b = append(appendTwo(b, int(month)), '-')
	b = append(appendTwo(b, day), 'T')
	b = append(appendTwo(b, hour), ':')
	b = append(appendTwo(b, minute), ':')
	b = append(appendTwo(b, second), '.')
	nanos := at.Nanosecond()
	b = append(b, byte('0'+nanos/100_000_000))
	b = appendTwo(appendTwo(b, nanos/1_000_000%100), nanos/10_000%100)
	b = appendTwo(appendTwo(b, nanos/100%100), nanos%100)
	return append(b, "+00:00"...)
}

// appendTwo appends a number from 0 to 99 as two digits.
func appendTwo(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

// encodedBytes returns the size of the events from 0 to n as JSON.
func encodedBytes(n int) int {
	sum, at := 0, time.Now().UTC()
	var buf [256]byte
	for eid := range n {
		sum += len(appendEvent(buf[:0], at, eid))
	}
	return sum
}

var eidKey = []byte("eid")

// countEvents counts the events in the body of any adapter's request. It is fast because it does
// not parse: each event has the key once.
func countEvents(body []byte) int { return bytes.Count(body, eidKey) }

// eids returns the eids in a request's body. In JSON a number follows "eid":, and in OTLP a
// protobuf AnyValue with an int_value (field 3, varint) follows the key.
func eids(body []byte) []int {
	var out []int
	for {
		at := bytes.Index(body, eidKey)
		if at < 0 {
			return out
		}
		body = body[at+len(eidKey):]
		if eid, ok := eidAt(body); ok {
			out = append(out, eid)
		}
	}
}

func eidAt(b []byte) (int, bool) {
	if len(b) > 2 && b[0] == '"' {
		n, digits := 0, 0
		for _, c := range bytes.TrimLeft(b[1:min(len(b), 32)], ": ") {
			if c < '0' || c > '9' {
				break
			}
			n = n*10 + int(c-'0')
			digits++
		}
		return n, digits > 0
	}
	if len(b) > 3 && b[0] == 0x12 && b[2] == 0x18 {
		n, size := binary.Uvarint(b[3:])
		return int(n), size > 0
	}
	return 0, false
}

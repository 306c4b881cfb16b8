package proxytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
)

// toxic is one thing that is wrong with a line, as toxiproxy's API takes it: on all connections, in one direction.
type toxic struct {
	kind   string // toxiproxy's type
	stream string // upstream: of requests; downstream: of answers
	with   map[string]int
	number int // keeps two of a kind apart
}

// The directions of a toxic.
const (
	upstream   = "upstream"
	downstream = "downstream"
)

func (x toxic) name() string { return fmt.Sprintf("%s-%s-%d", x.kind, x.stream, x.number) }

// String says what is wrong.
func (x toxic) String() string { return fmt.Sprintf("%s %s %v", x.kind, x.stream, x.with) }

func (x toxic) json() io.Reader {
	encoded, err := json.Marshal(map[string]any{"name": x.name(), "type": x.kind, "stream": x.stream, "attributes": x.with})
	if err != nil {
		panic(err) // texts and whole numbers
	}
	return bytes.NewReader(encoded)
}

// drawToxic draws what is wrong next. The offsets of limit_data lie in the header and the body of a request and of an answer, in the
// first exchange of a connection or in a later one.
func drawToxic(r *rand.Rand, number int) toxic {
	x := toxic{stream: upstream, number: number}
	if r.IntN(2) == 0 {
		x.stream = downstream
	}
	type with = map[string]int
	switch r.IntN(9) {
	case 0:
		latency := r.IntN(120)
		x.kind, x.with = "latency", with{"latency": latency, "jitter": r.IntN(latency + 1)}
	case 1:
		x.kind, x.with = "bandwidth", with{"rate": 1 + r.IntN(40)}
	case 2:
		x.kind, x.with = "slow_close", with{"delay": r.IntN(200)}
	case 3:
		x.kind, x.with = "timeout", with{"timeout": 0}
	case 4:
		x.kind, x.with = "timeout", with{"timeout": 1 + r.IntN(100)}
	case 5:
		x.kind, x.with = "reset_peer", with{"timeout": r.IntN(2) * r.IntN(60)}
	case 6:
		size := 1 + r.IntN(200)
		x.kind, x.with = "slicer", with{"average_size": size, "size_variation": r.IntN(size), "delay": r.IntN(3000)}
	default:
		most := 1 << (4 + r.IntN(10))
		if x.stream == downstream {
			most = 1 << (4 + r.IntN(7))
		}
		x.kind, x.with = "limit_data", with{"bytes": r.IntN(most)}
	}
	return x
}

// drawToxics draws none to two things that are wrong at once.
func drawToxics(r *rand.Rand, step int) (toxics []toxic) {
	for i := range (1 + r.IntN(5)) % 3 { // one and two more often than none
		toxics = append(toxics, drawToxic(r, 10*step+i))
	}
	return toxics
}

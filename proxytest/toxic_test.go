package proxytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
)

// toxic is one thing that is wrong with a line, as toxiproxy's API takes it: on all connections, in
// one direction.
type toxic struct {
	kind   string         // toxiproxy's type
	stream string         // upstream: of requests; downstream: of answers
	with   map[string]int // toxiproxy's attributes
}

// The directions of a toxic.
const (
	upstream   = "upstream"
	downstream = "downstream"
)

// name is by the direction: there is one toxic in each, see line.add.
func (x toxic) name() string { return x.stream }

// String says what is wrong.
func (x toxic) String() string { return fmt.Sprintf("%s %s %v", x.kind, x.stream, x.with) }

func (x toxic) json() io.Reader {
	encoded, err := json.Marshal(map[string]any{"name": x.name(), "type": x.kind, "stream": x.stream, "attributes": x.with})
	if err != nil {
		panic(err) // texts and whole numbers
	}
	return bytes.NewReader(encoded)
}

// drawToxic draws what is wrong next. The offsets of limit_data lie in the header and the body of a
// request and of an answer, in the first exchange of a connection or in a later one.
func drawToxic(r *rand.Rand, stream string) toxic {
	x := toxic{stream: stream}
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
		most := 1 << (4 + r.IntN(13))
		if x.stream == downstream {
			most = 1 << (4 + r.IntN(7))
		}
		x.kind, x.with = "limit_data", with{"bytes": r.IntN(most)}
	}
	return x
}

// drawToxics draws what is wrong at once: nothing, or something in one direction, or in both.
func drawToxics(r *rand.Rand) (toxics []toxic) {
	for _, stream := range []string{upstream, downstream} {
		if r.IntN(3) > 0 {
			toxics = append(toxics, drawToxic(r, stream))
		}
	}
	return toxics
}

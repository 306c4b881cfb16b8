package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"syscall"
)

// outcome is how a request ends: with a reply, or with the reason why there is none.
type outcome struct {
	status int
	header http.Header
	body   []byte
	half   bool  // only half of the body is sent
	err    error // why there is no reply; the connection is reset
}

// sent is the body that goes out.
func (o outcome) sent() []byte {
	if o.half {
		return o.body[:len(o.body)/2]
	}
	return o.body
}

// errStopped ends what hangs when the server closes.
var errStopped = errors.New("emulator: closed while the request was held back")

// reset is what a client sees whose connection was reset while it did op.
func reset(op string) error {
	return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, syscall.ECONNRESET)}
}

// outcome encodes a reply.
func (r reply) outcome() outcome {
	out := outcome{status: r.status, header: r.header.Clone()}
	if out.header == nil {
		out.header = http.Header{}
	}
	if r.body == nil {
		return out
	}
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r.body); err != nil {
		// a service made a body that JSON has no words for: that is a bug here, and must not look
		// like a fault of the client
		panic("emulator: reply cannot be encoded: " + err.Error())
	}
	out.body = buf.Bytes()
	out.header.Set("Content-Type", "application/json")
	return out
}

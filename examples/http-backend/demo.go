package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// The demonstration: a backend, the emulator, and somebody who logs in.

const (
	ace      = "+61400000001" // has an account
	blitz    = "+61400000002" // too
	stranger = "+61400000003" // has none
)

// demonstrate runs the backend on an emulator, plays a client against it, and ends it with a signal
// while a message is on its way.
func demonstrate(ctx context.Context, out io.Writer) error {
	fyno, err := emulator.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer fyno.Close()
	client, err := playline.New(fyno.Options()...)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	backend := newBackend(client, slog.New(slog.DiscardHandler), ace, blitz)
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, backend) }()

	fmt.Fprintf(out, "http-backend: serving at http://%s, with an emulator of Fyno at %s\n", listener.Addr(), fyno.URL)
	caller := &caller{url: "http://" + listener.Addr().String(), backend: backend, fyno: fyno, out: out}
	if err := caller.play(ctx); err != nil {
		return err
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "  SIGTERM while a message is on its way")
	if err := self.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := <-served; err != nil {
		return err
	}
	return compare(fyno, out)
}

// compare checks the records of the emulator against the played demo.
func compare(fyno *emulator.Server, out io.Writer) error {
	sent := map[string]int{}
	for _, m := range fyno.Messages() {
		sent[m.Destination]++
	}
	checked := fyno.Calls("validateOTP")
	fmt.Fprintf(out, "  the emulator's record: messages to ace %d, to blitz %d, to the stranger %d; codes checked %d\n",
		sent[ace], sent[blitz], sent[stranger], checked)
	if sent[ace] != 1 || sent[blitz] != 1 || sent[stranger] != 0 || checked != 4 {
		return errors.New("expected 1, 1, 0 and 4")
	}
	return nil
}

// caller is a game that logs players in.
type caller struct {
	url     string
	backend *backend
	fyno    *emulator.Server
	out     io.Writer
}

// body is the body of a request.
type body map[string]string

// reply is an answer of the backend; it has a login, a session with a device, or an error.
type reply struct{ Login, Session, Device, Error string }

func (c *caller) play(ctx context.Context) error {
	begun, err := c.expect(ctx, "ace asks for a code", http.StatusAccepted, "/otp", body{"phone": ace})
	if err != nil {
		return err
	}
	code, err := c.code(ace)
	if err != nil {
		return err
	}
	wrong, err := c.expect(ctx, "ace types a wrong one", http.StatusUnauthorized, "/otp/verify", body{"login": begun.Login, "code": "000000"})
	if err != nil {
		return err
	}
	right := body{"login": begun.Login, "code": code}
	if _, err = c.expect(ctx, "ace types the right one", http.StatusOK, "/otp/verify", right); err != nil {
		return err
	}
	if _, err = c.expect(ctx, "it works only once", http.StatusUnauthorized, "/otp/verify", right); err != nil {
		return err
	}
	begun, err = c.expect(ctx, "a stranger asks for a code", http.StatusAccepted, "/otp", body{"phone": stranger})
	if err != nil {
		return err
	}
	none, err := c.expect(ctx, "a stranger guesses one", http.StatusUnauthorized, "/otp/verify", body{"login": begun.Login, "code": "123456"})
	if err != nil {
		return err
	}
	if none != wrong {
		return fmt.Errorf("the answers tell who has an account: %q and %q", wrong.Error, none.Error)
	}
	// The service takes a moment for blitz's message, so that the signal comes before it is
	// through.
	c.fyno.Inject(emulator.Fault{Operation: "fireEvent", Delay: 300 * time.Millisecond})
	if _, err = c.expect(ctx, "blitz asks for a code", http.StatusAccepted, "/otp", body{"phone": blitz}); err != nil {
		return err
	}
	for range 3 { // that make ten in a minute
		if _, err := c.expect(ctx, "nonsense", http.StatusBadRequest, "/otp", body{"phone": "0400"}); err != nil {
			return err
		}
	}
	_, err = c.expect(ctx, "the eleventh call", http.StatusTooManyRequests, "/otp", body{"phone": ace})
	return err
}

// expect makes a call and prints the answer. Any other status is an error.
func (c *caller) expect(ctx context.Context, what string, status int, path string, in body) (reply, error) {
	text, err := json.Marshal(in)
	if err != nil {
		return reply{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, bytes.NewReader(text))
	if err != nil {
		return reply{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	var out reply
	if err := json.NewDecoder(response.Body).Decode(&out); err != nil {
		return reply{}, fmt.Errorf("%s: the answer is not JSON: %w", what, err)
	}
	fmt.Fprintf(c.out, "  %-27s %s  %s\n", what, response.Status, out.Error)
	if response.StatusCode != status {
		return reply{}, fmt.Errorf("%s: status %d, expected %d", what, response.StatusCode, status)
	}
	return out, nil
}

// code is the player's look at the phone, once the message is through: the emulator shows what
// would have been sent.
func (c *caller) code(phone string) (string, error) {
	c.backend.sending.Wait()
	for _, m := range c.fyno.Messages() {
		if m.Destination == phone {
			return m.OTP, nil
		}
	}
	return "", fmt.Errorf("nothing was sent to %s", phone)
}

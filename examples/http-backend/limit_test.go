package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// Strangers who guess, who ask in other people's names, and who fill memory.

// from makes a request from an address.
func (a *api) from(t *testing.T, address, path, body string) (*httptest.ResponseRecorder, reply) {
	t.Helper()
	recorder := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.RemoteAddr = address
	a.handler.ServeHTTP(recorder, r)
	return recorder, decode(t, recorder)
}

const (
	home  = "203.0.113.7:4000"    // of the owner of ace's account
	enemy = "[2001:db8:666::1]:1" // of a stranger
)

func ask(phone, device string) string {
	return fmt.Sprintf(`{"phone":%q,"device":%q}`, phone, device)
}

func try(login, code, device string) string {
	return fmt.Sprintf(`{"login":%q,"code":%q,"device":%q}`, login, code, device)
}

// within is an address number n of a /64 of a /48.
func within(wide, narrow, n int) string {
	return fmt.Sprintf("[2001:db8:%x:%x::%x]:1", wide, narrow, n)
}

// lastCode is the newest code on a phone.
func (a *api) lastCode(t *testing.T, phone string) string {
	t.Helper()
	a.sending.Wait()
	code := ""
	for _, m := range a.fyno.Messages() {
		if m.Destination == phone {
			code = m.OTP
		}
	}
	require.NotEmpty(t, code)
	return code
}

// TestNobodyGuessesACode: the service behind it does not count, and whoever guesses has all
// addresses of a /64, or of a /48, and all the time of a code.
func TestNobodyGuessesACode(t *testing.T) {
	for name, address := range map[string]func(n int) string{
		"one address":  func(int) string { return "203.0.113.66:1" },
		"one /64":      func(n int) string { return within(1, 1, n) },
		"one /48":      func(n int) string { return within(1, n, n) },
		"many of them": func(n int) string { return within(n, n, n) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				guesses := 0
				a := newAPI(t)
				client, err := playline.New(playline.WithFyno("W", playline.FynoLive, "key"), playline.WithHTTPClient(&http.Client{
					Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
						body := `{"status":"error","_message":"wrong"}`
						if strings.HasSuffix(r.URL.Path, "/event") {
							return answerOf(200, `{"request_id":"r1","response":{"sms":{"status":"ok"}}}`), nil
						}
						guesses++
						return answerOf(400, body), nil
					}),
				}))
				require.NoError(t, err)
				a.client = client
				_, begun := a.from(t, address(0), "/otp", ask(ace, ""))
				a.sending.Wait()
				for n := range 2_000 {
					if n%50 == 0 { // a login may have had its tries: another one
						if _, again := a.from(t, address(n), "/otp", ask(ace, "")); again.Login != "" {
							begun = again
						}
					}
					a.from(t, address(n), "/otp/verify", try(begun.Login, fmt.Sprintf("%06d", n), ""))
					time.Sleep(250 * time.Millisecond)
				}
				assert.LessOrEqual(t, guesses, triesOfAll, "in %s", codeLifetime)
				if name == "one address" || name == "one /64" {
					assert.LessOrEqual(t, guesses, triesOfACaller)
				}
				if name == "one /48" {
					assert.LessOrEqual(t, guesses, triesOfAWide)
				}
			})
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answerOf(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

// TestAStrangerDoesNotLockAnOwnerOut, whatever the stranger asks for and types.
func TestAStrangerDoesNotLockAnOwnerOut(t *testing.T) {
	for name, attack := range map[string]func(t *testing.T, a *api){
		"asks for codes": func(t *testing.T, a *api) {
			t.Helper()
			for range 20 {
				a.from(t, enemy, "/otp", ask(ace, ""))
			}
		},
		"asks from many networks": func(t *testing.T, a *api) {
			t.Helper()
			for n := range 100 {
				a.from(t, within(n, 1, 1), "/otp", ask(ace, ""))
				time.Sleep(50 * time.Millisecond)
			}
		},
		"types wrong codes": func(t *testing.T, a *api) {
			t.Helper()
			_, begun := a.from(t, enemy, "/otp", ask(ace, ""))
			for n := range 20 {
				a.from(t, enemy, "/otp/verify", try(begun.Login, fmt.Sprintf("%06d", n), ""))
			}
		},
		"invents devices": func(t *testing.T, a *api) {
			t.Helper()
			_, begun := a.from(t, enemy, "/otp", ask(ace, "device.seal"))
			for n := range 20 {
				a.from(t, enemy, "/otp/verify", try(begun.Login, "000000", fmt.Sprintf("device-%d.seal", n)))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAPI(t)
				attack(t, a)
				a.sending.Wait()
				time.Sleep(2 * time.Second) // what is shed, is for a moment
				recorder, begun := a.from(t, home, "/otp", ask(ace, ""))
				require.Equal(t, 202, recorder.Code)
				recorder, in := a.from(t, home, "/otp/verify", try(begun.Login, a.lastCode(t, ace), ""))
				require.Equal(t, 200, recorder.Code)
				assert.NotEmpty(t, in.Session)
				sent := 0
				for _, m := range a.fyno.Messages() {
					if m.Destination == ace {
						sent++
					}
				}
				assert.LessOrEqual(t, sent, messages, "nobody fills a phone either")
			})
		})
	}
}

// TestAKnownDeviceIsNotLockedOutByMany: more networks than one account takes guesses from.
func TestAKnownDeviceIsNotLockedOutByMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t)
		_, begun := a.from(t, home, "/otp", ask(ace, ""))
		_, in := a.from(t, home, "/otp/verify", try(begun.Login, a.lastCode(t, ace), ""))
		require.NotEmpty(t, in.Device)
		refused := 0
		for n := range 20 {
			_, begun := a.from(t, within(n, 1, 1), "/otp", ask(ace, ""))
			for range triesOfALogin {
				recorder, _ := a.from(t, within(n, 1, 1), "/otp/verify", try(begun.Login, "000000", ""))
				if recorder.Code == 429 {
					refused++
				}
			}
			time.Sleep(time.Second)
		}
		require.Positive(t, refused, "so many strangers wait")
		a.sending.Wait()
		before := len(a.fyno.Messages())
		recorder, begun := a.from(t, home, "/otp", ask(ace, in.Device))
		require.Equal(t, 202, recorder.Code)
		recorder, _ = a.from(t, home, "/otp/verify", try(begun.Login, a.lastCode(t, ace), in.Device))
		assert.Equal(t, 200, recorder.Code)
		assert.Len(t, a.fyno.Messages(), before+1, "a known device has messages of its own")

		assert.Empty(t, a.devices.id(blitz, in.Device), "a mark is for one account")
		assert.Empty(t, a.devices.id(ace, "x"+in.Device))
		assert.Empty(t, newDevices().id(ace, in.Device), "and of one key")
	})
}

// TestMemoryIsBounded: as many requests as there may be, from as many networks as there are, for as
// many numbers.
func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t)
		shed := 0
		for n := range 40_000 {
			recorder, _ := a.from(t, within(n>>4, n, n), "/otp", ask(fmt.Sprintf("+614%08d", n), ""))
			if recorder.Code == 503 {
				shed++
				assert.Equal(t, "1", recorder.Header().Get("Retry-After"))
			}
			if n%100 == 0 {
				time.Sleep(time.Second)
			}
		}
		assert.Greater(t, shed, 15_000, "half of them are too many for the moment")
		assert.LessOrEqual(t, len(a.logins.open), maxLogins)
		assert.LessOrEqual(t, len(a.callers.order), maxNetworks)
		assert.Len(t, a.callers.counts, len(a.callers.order))
		assert.Len(t, a.messages.counts, 2, "numbers without an account are not kept beside their logins")
		time.Sleep(codeLifetime)
		recorder, _ := a.from(t, home, "/otp", ask(stranger, ""))
		assert.Equal(t, 202, recorder.Code)
		assert.Len(t, a.logins.open, 1, "old ones are forgotten")
		assert.Len(t, a.callers.counts, 1)
	})
}

func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimit(2, time.Minute, 3)
		assert.Zero(t, l.take("a"))
		time.Sleep(time.Second)
		assert.Zero(t, l.take("a"))
		assert.Equal(t, 59*time.Second, l.take("a"))
		l.giveBack("a")
		assert.Zero(t, l.take("a"))
		assert.Zero(t, l.take("b"))
		assert.Zero(t, l.take("c"))
		assert.Equal(t, 59*time.Second, l.take("d"), "there is no room until the first one ends")
		l.clear("b")
		l.giveBack("b")
		l.giveBack("nobody")
		time.Sleep(59 * time.Second)
		assert.Zero(t, l.take("d"))
		assert.Len(t, l.counts, 3)
		time.Sleep(time.Minute)
		assert.Zero(t, l.take("e"))
		assert.Len(t, l.counts, 1)
	})
}

func TestNetworks(t *testing.T) {
	for address, want := range map[string][]string{
		"203.0.113.7:80":          {"203.0.113.7"},
		"[::ffff:203.0.113.7]:80": {"203.0.113.7"},
		"[2001:db8:1:2:3::4]:80":  {"2001:db8:1:2::/64", "2001:db8:1::/48"},
		"[fe80::1%eth0]:80":       {"fe80::/64", "fe80::/48"},
		"2001:db8:1:2:3::4":       {"2001:db8:1:2::/64", "2001:db8:1::/48"},
		"203.0.113.7":             {"203.0.113.7"},
		"@":                       {"unknown"},
		"":                        {"unknown"},
	} {
		assert.Equal(t, want, networks(address), address)
	}
}

// TestAMessageThatWasNotSentCountsForNothing: neither for the number, nor for a login that would
// share it.
func TestAMessageThatWasNotSentCountsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t)
		down := a.fyno.Inject(emulator.Fault{Operation: "fireEvent", Status: 400})
		for range messagesOfACaller {
			a.from(t, home, "/otp", ask(ace, ""))
			a.sending.Wait()
			assert.Empty(t, a.logins.latest)
		}
		down()
		_, begun := a.from(t, home, "/otp", ask(ace, ""))
		recorder, _ := a.from(t, home, "/otp/verify", try(begun.Login, a.lastCode(t, ace), ""))
		assert.Equal(t, 200, recorder.Code)
		assert.NotContains(t, a.log.String(), ace)
	})
}

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/playline/playline-go"
)

// The API: it sends one-time passwords and checks them.

const (
	codeLifetime = 10 * time.Minute // of a code, and so of a login
	sendTimeout  = 10 * time.Second // retries included

	triesOfALogin     = 5  // codes that may be typed for one login
	triesOfACaller    = 5  // for one account, from one network or device per codeLifetime
	triesOfAWide      = 20 // from one /48
	triesOfAll        = 30 // from all networks together, without the devices that are known
	messages          = 5  // to a number per codeLifetime, as long as one of them can be shared
	messagesOfACaller = 3  // to a number, for one network or device; beyond them a login has none of its own

	callsOfANetwork = 10  // per minute
	callsOfAWide    = 100 // of a /48
	callsPerSecond  = 50  // of all; what comes beyond them is shed for a moment
	burst           = 100

	// As many as there can be of at callsPerSecond, so that they are never short and never more.
	maxLogins   = callsPerSecond*int(codeLifetime/time.Second) + burst
	maxNetworks = 100_000 // that call within a minute
)

// backend is the API.
//
// Somebody with an account and somebody without get the same answers, in the same time: the message
// is sent after the answer, and a code for a login without an account is checked with the service
// all the same.
//
// A stranger who knows a number cannot lock its owner out. Requests for codes are never refused
// because of the number, and a login of the owner's own network gets a code that nobody has tried.
// Codes that a stranger types count for the stranger's own login and network. A
// device that has logged in before has a mark, and what all strangers use up together is not taken
// from it.
type backend struct {
	client   *playline.Client
	log      *slog.Logger
	accounts map[string]bool // phone numbers; a table of a database in a real backend
	devices  devices
	logins   *logins

	total          *rate.Limiter
	callers        *limit // calls of a network
	wide           *limit // of a wide one
	messages       *limit // to a number
	callerMessages *limit // to a number, for a network or a device
	tries          *limit // codes that a network or a device types for an account
	wideTry        *limit
	allTries       *limit // codes that all strangers together type for an account

	sending sync.WaitGroup // messages on their way
}

func newBackend(client *playline.Client, log *slog.Logger, accounts ...string) *backend {
	b := &backend{
		client:         client,
		log:            log,
		accounts:       map[string]bool{},
		devices:        newDevices(),
		logins:         newLogins(maxLogins),
		total:          rate.NewLimiter(callsPerSecond, burst),
		callers:        newLimit(callsOfANetwork, time.Minute, maxNetworks),
		wide:           newLimit(callsOfAWide, time.Minute, maxNetworks),
		messages:       newLimit(messages, codeLifetime, maxLogins),
		callerMessages: newLimit(messagesOfACaller, codeLifetime, maxLogins),
		tries:          newLimit(triesOfACaller, codeLifetime, maxLogins),
		wideTry:        newLimit(triesOfAWide, codeLifetime, maxLogins),
		allTries:       newLimit(triesOfAll, codeLifetime, maxLogins),
	}
	for _, phone := range accounts {
		b.accounts[phone] = true
	}
	return b
}

func (b *backend) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /otp", b.send)
	mux.HandleFunc("POST /otp/verify", b.verify)
	return b.limited(mux)
}

// limited refuses a network that asks too often, and sheds requests if all networks together send
// too many. Behind a proxy RemoteAddr is the proxy: take the header that your own proxy sets, and
// no other, because a caller can write the rest.
func (b *backend) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i, network := range networks(r.RemoteAddr) {
			if wait := []*limit{b.callers, b.wide}[i].take(network); wait > 0 {
				refuseFor(w, wait)
				return
			}
		}
		if !b.total.Allow() {
			shed(w)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
		next.ServeHTTP(w, r)
	})
}

// send answers {"phone", "device"} with {"login"}, and has a code sent if the number has an
// account. The device is the mark of an earlier login; without one it is left out.
func (b *backend) send(w http.ResponseWriter, r *http.Request) {
	var in struct{ Phone, Device string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, http.StatusBadRequest, `the body must be {"phone": "+61..."}`)
		return
	}
	to := playline.Recipient{To: playline.Destinations{SMS: in.Phone}}
	if in.Phone == "" || to.Validate() != nil {
		refuse(w, http.StatusBadRequest, "phone must be an international number, such as +61400000000")
		return
	}
	login := b.logins.begin(in.Phone)
	if login == "" {
		shed(w)
		return
	}
	caller, device := in.Phone+" "+networks(r.RemoteAddr)[0], b.devices.id(in.Phone, in.Device)
	if device != "" {
		caller = in.Phone + " " + device
	}
	if b.accounts[in.Phone] && b.sends(login, in.Phone, caller, device != "") {
		m := b.logins.send(login, in.Phone)
		// The message must arrive although the request that asked for it has been answered.
		ctx := context.WithoutCancel(r.Context())
		b.sending.Go(func() { b.fire(ctx, caller, to, m) })
	}
	answer(w, http.StatusAccepted, map[string]string{"login": login})
}

// sends reports whether a login gets a message of its own. It shares the newest one when its
// network or its number has had enough of them, so that nobody fills a phone. But only a message of
// which no code was typed yet is shared: the service counts tries too, and a stranger may have used
// them up. Requests of strangers do not count for a known device.
func (b *backend) sends(login, phone, caller string, known bool) bool {
	if b.callerMessages.take(caller) > 0 {
		b.logins.share(login, phone)
		return false
	}
	return known || b.messages.take(phone) == 0 || !b.logins.share(login, phone)
}

// fire sends the code. Retries are safe: they go under one idempotency key.
func (b *backend) fire(ctx context.Context, caller string, to playline.Recipient, m *message) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	sent, err := b.client.Events.Fire(ctx, "login-otp", to)
	if err != nil {
		b.log.Error("the code was not sent", "err", err) // holds no phone number and no code
		b.logins.sent(to.To.SMS, m, "")
		b.callerMessages.giveBack(caller)
		b.messages.giveBack(to.To.SMS)
		return
	}
	b.logins.sent(to.To.SMS, m, sent.RequestID)
}

// verify answers {"login", "code", "device"} with {"session", "device"}, or with one and the same
// 401 for everything that is wrong. The device that it answers with is a new mark.
func (b *backend) verify(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Login  string
		Code   playline.Secret // prints as [REDACTED] wherever it ends up
		Device string
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Login == "" || in.Code == "" {
		refuse(w, http.StatusBadRequest, `the body must be {"login": "...", "code": "123456"}`)
		return
	}
	phone := b.logins.phone(in.Login)
	if wait := b.mayTry(phone, in.Device, r.RemoteAddr); wait > 0 {
		refuseFor(w, wait)
		return
	}
	request, ok := b.logins.try(in.Login)
	if !ok && phone != "" {
		refuse(w, http.StatusUnauthorized, wrongCode)
		return
	}
	if request == "" {
		// Was never sent, so it is refused as a wrong code is, and as late. That also meets a
		// player who types faster than the service answers fire, and who has to type again: to wait
		// for that answer here would tell who has an account.
		request = rand.Text()
	}
	_, err := b.client.Verify.Validate(r.Context(), playline.OTPCheck{RequestID: request, OTP: in.Code})
	switch {
	case err == nil:
		b.logins.end(in.Login)
		b.messages.clear(phone)
		// The session is to be kept with the account, and the mark on the device.
		answer(w, http.StatusOK, map[string]string{"session": rand.Text(), "device": b.devices.mark(phone)})
	case errors.Is(err, playline.ErrInvalid), errors.Is(err, playline.ErrNotFound):
		// Which of the sentinels it matches (ErrOTPWrong, ErrOTPExpired, ErrOTPUnknown and so on)
		// stays here: it would tell who has an account.
		refuse(w, http.StatusUnauthorized, wrongCode)
	default:
		// Nothing but the service's documented success is one, so a page of a proxy ends here too.
		// Validate is never repeated: if no answer of the service came, the code may be used up.
		b.log.Error("the code was not checked", "err", err)
		refuse(w, http.StatusServiceUnavailable, "the code could not be checked; ask for a new one")
	}
}

const wrongCode = "the code is wrong or has expired"

// mayTry counts a code before it is checked, so that many at once are not more than one after the
// other. It returns how long to wait.
func (b *backend) mayTry(phone, device, address string) time.Duration {
	if id := b.devices.id(phone, device); id != "" {
		return b.tries.take(phone + " " + id)
	}
	for i, network := range networks(address) {
		if wait := []*limit{b.tries, b.wideTry}[i].take(phone + " " + network); wait > 0 {
			return wait
		}
	}
	if phone == "" {
		return 0 // no such login: there is nothing to guess
	}
	return b.allTries.take(phone)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller may have left
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]string{"error": message})
}

func refuseFor(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	refuse(w, http.StatusTooManyRequests, "too many requests")
}

// shed refuses requests of any client while there are too many.
func shed(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	refuse(w, http.StatusServiceUnavailable, "too many requests at the moment")
}

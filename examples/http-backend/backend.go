package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/playline/playline-go"
)

// The API: it sends one-time passwords and checks them.

const (
	loginLifetime = 10 * time.Minute // as long as a code lives
	sendTimeout   = 10 * time.Second // retries included
)

// backend is the API. Somebody with an account and somebody without get the same answers, in the same time: the message is sent after
// the answer, and a code for a login without an account is checked with the service all the same.
type backend struct {
	client   *playline.Client
	log      *slog.Logger
	accounts map[string]bool // phone numbers; a table of a database in a real backend
	callers  *limit          // requests of a caller
	phones   *limit          // messages to a number, whoever asks for them
	sending  sync.WaitGroup  // messages on their way

	mu     sync.Mutex        // guards the following
	logins map[string]string // the request id of the message by login; "" while there is none
}

func newBackend(client *playline.Client, log *slog.Logger, accounts ...string) *backend {
	b := &backend{
		client:   client,
		log:      log,
		accounts: map[string]bool{},
		callers:  &limit{calls: 10, window: time.Minute, counts: map[string]int{}},
		phones:   &limit{calls: 3, window: loginLifetime, counts: map[string]int{}},
		logins:   map[string]string{},
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

// limited refuses a caller who asks too often. Behind a proxy RemoteAddr is the proxy: take the header that your own proxy sets, and
// no other, because a caller can write the rest.
func (b *backend) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			host = r.RemoteAddr
		}
		if wait := b.callers.take(host); wait > 0 {
			refuseFor(w, wait)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
		next.ServeHTTP(w, r)
	})
}

// send answers {"phone"} with {"login"}, and has a code sent where the number has an account.
func (b *backend) send(w http.ResponseWriter, r *http.Request) {
	var in struct{ Phone string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, http.StatusBadRequest, `the body must be {"phone": "+61..."}`)
		return
	}
	to := playline.Recipient{To: playline.Destinations{SMS: in.Phone}}
	if in.Phone == "" || to.Validate() != nil {
		refuse(w, http.StatusBadRequest, "phone must be an international number, such as +61400000000")
		return
	}
	if wait := b.phones.take(in.Phone); wait > 0 {
		refuseFor(w, wait)
		return
	}
	login := rand.Text()
	b.mu.Lock()
	b.logins[login] = ""
	b.mu.Unlock()
	time.AfterFunc(loginLifetime, func() { b.forget(login) })
	if b.accounts[in.Phone] {
		// The message must arrive although the request that asked for it has been answered.
		ctx := context.WithoutCancel(r.Context())
		b.sending.Go(func() { b.fire(ctx, login, to) })
	}
	answer(w, http.StatusAccepted, map[string]string{"login": login})
}

// fire sends the code. Retries are safe: they go under one idempotency key.
func (b *backend) fire(ctx context.Context, login string, to playline.Recipient) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	sent, err := b.client.Events.Fire(ctx, "login-otp", to)
	if err != nil {
		b.log.Error("the code was not sent", "err", err) // holds no phone number and no code
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.logins[login]; ok {
		b.logins[login] = sent.RequestID
	}
}

// verify answers {"login", "code"} with {"session"}, or with one and the same 401 for everything that is wrong.
func (b *backend) verify(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Login string
		Code  playline.Secret // prints as [REDACTED] wherever it ends up
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Login == "" || in.Code == "" {
		refuse(w, http.StatusBadRequest, `the body must be {"login": "...", "code": "123456"}`)
		return
	}
	b.mu.Lock()
	request := b.logins[in.Login]
	b.mu.Unlock()
	if request == "" {
		// Was never sent, so it is refused as a wrong code is, and as late. That also meets a player who types faster than the service
		// answers fire, and who has to type again: to wait for that answer here would tell who has an account.
		request = rand.Text()
	}
	_, err := b.client.Verify.Validate(r.Context(), playline.OTPCheck{RequestID: request, OTP: in.Code})
	switch {
	case err == nil:
		b.forget(in.Login)
		answer(w, http.StatusOK, map[string]string{"session": rand.Text()}) // to be kept with the account
	case errors.Is(err, playline.ErrInvalid), errors.Is(err, playline.ErrNotFound):
		refuse(w, http.StatusUnauthorized, "the code is wrong or has expired")
	default:
		// Validate is never repeated: where no answer came the code may be used up.
		b.log.Error("the code was not checked", "err", err)
		refuse(w, http.StatusServiceUnavailable, "the code could not be checked; ask for a new one")
	}
}

func (b *backend) forget(login string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.logins, login)
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

// limit allows so many calls of a key in a window of time. It forgets all keys when a window ends, so memory is bounded by the calls
// of one. It is for one process: where there are several, keep the counts in what they share.
type limit struct {
	calls  int
	window time.Duration

	mu     sync.Mutex // guards the following
	ends   time.Time
	counts map[string]int
}

// take counts a call and returns 0, or how long to wait.
func (l *limit) take(key string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !now.Before(l.ends) {
		l.ends = now.Add(l.window)
		clear(l.counts)
	}
	if l.counts[key] == l.calls {
		return l.ends.Sub(now)
	}
	l.counts[key]++
	return 0
}

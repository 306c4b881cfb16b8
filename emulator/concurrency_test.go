package emulator

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestManyCallersWhileFaultsComeAndGo calls all services from many goroutines while others inject
// and remove faults, look at the data and read the record. Everything that was answered with
// success must be there, and nothing twice: the faults used here either answer for the service or
// lose a reply, and a lost one is counted apart.
func TestManyCallersWhileFaultsComeAndGo(t *testing.T) {
	const callers, rounds = 16, 10
	e := New(WithRecordLimit(20))
	server := Start(t, WithRecordLimit(20))
	for name, target := range map[string]*Emulator{"in process": e, "over sockets": server.Emulator} {
		t.Run(name, func(t *testing.T) {
			var transport http.RoundTripper = target
			if target == server.Emulator {
				pool := &http.Transport{MaxIdleConnsPerHost: callers}
				defer pool.CloseIdleConnections()
				transport = pool
			}
			var accepted, lost atomic.Int64
			stop := make(chan struct{})
			var others sync.WaitGroup
			for i, fault := range []Fault{
				{Mode: ResetBefore, Probability: 0.2, Seed: 1},
				{Mode: ResetAfter, Service: PlaySmart, Probability: 0.2, Seed: 2},
				{Mode: HalfBody, Times: 3},
				{Status: 503},
				{Delay: time.Microsecond},
				{Mode: NotJSON, Skip: 5, Operation: "ingestEvents"},
			} {
				others.Go(func() {
					random := rand.New(rand.NewPCG(uint64(i), 0))
					for {
						remove := target.Inject(fault)
						for range random.IntN(10) {
							_, _, _ = target.Requests(), target.Players(), target.Clients("caller-1")
							runtime.Gosched()
						}
						remove()
						select {
						case <-stop:
							return
						default:
						}
					}
				})
			}
			var group sync.WaitGroup
			for i := range callers {
				group.Go(func() {
					user := fmt.Sprintf("caller-%d", i)
					token := target.Token(user, time.Hour)
					for range rounds {
						ingest := request(t, "POST", "/playsmart/ingest/events",
							fmt.Sprintf(`{"user_id":%q,"game_id":"g","events":[%s,%s]}`, user, appOpen, appOpen), "Authorization: Bearer "+token)
						link := request(t, "POST", strings.Replace(sunshineUser, "ace", user, 1),
							`{"matchCriteria":`+mailgunMatch+`,"confirmation":{"type":"immediate"},"target":{"conversationId":"c"}}`)
						link.SetBasicAuth(SunshineKeyID, SunshineSecret)
						// Fyno and SmartSender under one id for all callers: their answers must not
						// share memory with what others change
						fyno, smartSender := "Authorization: Bearer "+FynoKey, "Authorization: Bearer "+SmartSenderToken
						const profiles = "/fyno/v1/" + FynoWorkspace + "/live/profiles"
						for _, r := range []*http.Request{
							register(t, user), ingest, link,
							request(t, "POST", profiles+"/properties/set", `{"distinct_id":"ace","$set":{"level":1,"items":["`+user+`"]}}`, fyno),
							request(t, "POST", profiles+"/properties/list-append", `{"distinct_id":"ace","$append":{"items":"`+user+`"}}`, fyno),
							request(t, "PATCH", profiles+"/ace/channel", `{"channel":{"push":[{"token":"`+user+`"}]}}`, fyno),
							request(t, "GET", profiles+"/ace", "", fyno),
							request(t, "POST", "/smartsender/v1/channels/1/gates", `{"identifier":"ace","firstName":"ace"}`, smartSender),
							request(t, "PUT", "/smartsender/v1/contacts/1", `{"values":{"caller":"`+user+`"}}`, smartSender),
							request(t, "GET", "/smartsender/v1/contacts", "", smartSender),
						} {
							if target == server.Emulator {
								server.to(r)
							}
							resp, err := transport.RoundTrip(r)
							status := 0
							if err == nil {
								status = resp.StatusCode
								_, err = io.Copy(io.Discard, resp.Body)
								resp.Body.Close()
							}
							switch {
							case r != ingest:
							case err != nil:
								lost.Add(2)
							case status == 202:
								accepted.Add(2)
							}
						}
					}
				})
			}
			group.Wait()
			close(stop)
			others.Wait()

			assert.GreaterOrEqual(t, target.TotalCalls(), callers*rounds*10, "a transport may repeat what it knows was not read")
			count := int64(target.EventCount())
			assert.GreaterOrEqual(t, count, accepted.Load())
			assert.LessOrEqual(t, count, accepted.Load()+lost.Load())
			sum := 0
			for i := range callers {
				sum += len(target.Events(fmt.Sprintf("caller-%d", i)))
			}
			assert.EqualValues(t, count, sum)
			assert.LessOrEqual(t, len(target.Players()), callers, "a player is registered once")
			ids := make(map[string]bool)
			for i := range callers {
				for _, client := range target.Clients(fmt.Sprintf("caller-%d", i)) {
					require.False(t, ids[client.ID], "a client's id is given once")
					ids[client.ID] = true
				}
			}
			assert.Equal(t, 200, send(t, target, register(t, "after")).status, "no fault is left")
		})
	}
}

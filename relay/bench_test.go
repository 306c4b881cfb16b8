//go:build unix

package relay

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// serverDir is set where this program is the NATS server of a benchmark: a process of its own, so
// that its work is not counted.
const serverDir = "PLAYLINE_BENCH_NATS_DIR"

func TestMain(m *testing.M) {
	chaosMain()
	if dir := os.Getenv(serverDir); dir != "" {
		s, err := server.NewServer(&server.Options{
			Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: dir, NoLog: true, NoSigs: true,
		})
		if err != nil {
			panic(err)
		}
		s.Start()
		if !s.ReadyForConnections(time.Minute) {
			panic("the server does not come up")
		}
		fmt.Fprintln(os.Stdout, s.ClientURL())
		_, _ = io.Copy(io.Discard, os.Stdin) // until the benchmark has ended
		s.Shutdown()
		s.WaitForShutdown()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const benchEvent = `{"type":"LevelCompleted","timestamp":"2026-01-02T03:04:05.000+00:00","customdata":{"weapon":"sword","damage":17,"level":5}}`

// benchTokens gives everybody one token, which the benchmarks' sender does not look at.
var benchTokens = batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{Value: "token"}, nil })

// benchSender makes the request's body, as a client does, and says yes.
type benchSender struct{ buffers sync.Pool }

func (s *benchSender) Send(_ context.Context, b batcher.Batch) (batcher.Receipt, error) {
	buffer, _ := s.buffers.Get().(*[]byte)
	if buffer == nil {
		buffer = new([]byte)
	}
	*buffer = b.AppendBody((*buffer)[:0])
	s.buffers.Put(buffer)
	return batcher.Receipt{}, nil
}

var benchPlayers = []int{1_000, 100_000}

// BenchmarkRelay delivers events that are in the stream: one relay, a server with one replica in
// another process. Run it with a fixed number of events, at least two for each player:
//
//	go test -run - -bench . -benchtime 400000x
func BenchmarkRelay(b *testing.B) {
	for _, players := range benchPlayers {
		b.Run(fmt.Sprintf("players=%d", players), func(b *testing.B) {
			js := benchServer(b)
			fill(b, js, players)
			before := cpu(b)
			b.ResetTimer()
			r, err := Start(b.Context(), js, Config{
				Stream: "EVENTS", Sender: &benchSender{},
				Batcher: batcher.Config{GameID: "game", Tokens: benchTokens, Linger: 200 * time.Millisecond},
			})
			require.NoError(b, err)
			for r.counts.delivered.Load() < int64(b.N) || r.Stats().Unconfirmed > 0 {
				time.Sleep(10 * time.Millisecond)
			}
			report(b, before)
			require.NoError(b, r.Close(b.Context()))
		})
	}
}

// BenchmarkBatcherAlone is the same without a stream: as many goroutines as there are partitions
// track the same events.
func BenchmarkBatcherAlone(b *testing.B) {
	for _, players := range benchPlayers {
		b.Run(fmt.Sprintf("players=%d", players), func(b *testing.B) {
			event, err := batcher.Record{JSON: []byte(benchEvent)}.Event()
			require.NoError(b, err)
			ids := make([]string, players)
			for i := range ids {
				ids[i] = fmt.Sprintf("device-%06d", i)
			}
			before := cpu(b)
			b.ResetTimer()
			bt, err := batcher.New(&benchSender{}, batcher.Config{
				GameID: "game", Tokens: benchTokens, Linger: 200 * time.Millisecond, MaxEvents: 32 * 8192,
			})
			require.NoError(b, err)
			var all sync.WaitGroup
			for part := range 32 {
				all.Go(func() {
					for n := part; n < b.N; n += 32 {
						if err := bt.Track(b.Context(), ids[n%players], event); err != nil {
							panic(err)
						}
					}
				})
			}
			all.Wait()
			_, err = bt.Close(b.Context())
			require.NoError(b, err)
			report(b, before)
		})
	}
}

// BenchmarkPublisher tracks events into the stream.
func BenchmarkPublisher(b *testing.B) {
	for _, players := range benchPlayers {
		b.Run(fmt.Sprintf("players=%d", players), func(b *testing.B) {
			js := benchServer(b)
			p, err := NewPublisher(b.Context(), js, "EVENTS", batcher.Config{GameID: "game"})
			require.NoError(b, err)
			event, err := batcher.Record{JSON: []byte(benchEvent)}.Event()
			require.NoError(b, err)
			before := cpu(b)
			b.ResetTimer()
			for n := range b.N {
				if err := p.Track(b.Context(), fmt.Sprintf("device-%06d", n%players), event); err != nil {
					b.Fatal(err)
				}
			}
			_, err = p.Close(b.Context())
			require.NoError(b, err)
			report(b, before)
		})
	}
}

// benchServer starts a server in another process, makes the stream, and connects.
func benchServer(b *testing.B) jetstream.JetStream {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), serverDir+"="+b.TempDir())
	stdin, err := cmd.StdinPipe()
	require.NoError(b, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	var url string
	_, err = fmt.Fscanln(stdout, &url)
	require.NoError(b, err)
	nc, err := nats.Connect(url)
	require.NoError(b, err)
	b.Cleanup(nc.Close)
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(4096))
	require.NoError(b, err)
	require.NoError(b, CreateStream(b.Context(), js, StreamConfig{Name: "EVENTS", Replicas: 1}))
	return js
}

// fill publishes b.N events.
func fill(b *testing.B, js jetstream.JetStream, players int) {
	b.Helper()
	for n := range b.N {
		m := nats.NewMsg(fmt.Sprintf("events.game.device-%06d", n%players))
		m.Data = []byte(benchEvent)
		m.Header[nats.MsgIdHdr] = []string{fmt.Sprintf("bench-%d", n)}
		m.Header[formatHeader] = []string{format}
		_, err := js.PublishMsgAsync(m, jetstream.WithStallWait(time.Minute))
		require.NoError(b, err)
	}
	<-js.PublishAsyncComplete()
}

// report adds events a second, and processor seconds of this process for a million events.
func report(b *testing.B, before time.Duration) {
	b.Helper()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric((cpu(b)-before).Seconds()/float64(b.N)*1e6, "cpu-s/million")
	b.ReportMetric(0, "ns/op")
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

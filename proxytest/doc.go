// Package proxytest holds tests only: the client and the batcher against the emulator over real
// sockets, with a fault proxy (https://github.com/Shopify/toxiproxy, as a library) between the two.
//
// The root package's tests script the faults inside one process, where a request is written or is
// not. Here the network does what networks do: it delays, slices, cuts a request or an answer at
// any byte, swallows them, resets and comes back, while connections are kept, and a request that
// the client has given up can still arrive. The comparison is always the same: what the client says
// with what the emulator has.
//
//	go test ./proxytest/                                                               a few
//	PLAYLINE_PROXY_SEEDS=200 go test -race -timeout 1h ./proxytest/                    many
//	PLAYLINE_PROXY_FIRST=7 PLAYLINE_PROXY_SEEDS=1 go test -run Random ./proxytest/     one again
//
// A seed fixes what goes wrong and in which order, not how two machines and the scheduler
// interleave, so a failure may need a few runs to be seen again. The jitter of toxiproxy itself has
// no seed.
package proxytest

package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// VerifyServers checks that each JetStream server writes to its disk before it acknowledges:
// sync_interval must be "always". Its default is two minutes, and what was acknowledged in that
// time is gone after a power cut. Only a connection to the system account can see it, and nodes is
// how many servers must answer: one that is silent proves nothing.
//
// Jepsen found it in NATS 2.12.1: https://jepsen.io/analyses/nats-2.12.1, and
// https://github.com/nats-io/nats-server/issues/7564.
func VerifyServers(ctx context.Context, system *nats.Conn, nodes int) error {
	return verifyServers(ctx, system, nodes, 5*time.Second)
}

func verifyServers(ctx context.Context, system *nats.Conn, nodes int, limit time.Duration) error {
	inbox := system.NewRespInbox()
	answers, err := system.SubscribeSync(inbox)
	if err != nil {
		return fmt.Errorf("relay: asking the servers: %w", err)
	}
	defer func() { _ = answers.Unsubscribe() }()
	if err := system.PublishRequest("$SYS.REQ.SERVER.PING.JSZ", inbox, nil); err != nil {
		return fmt.Errorf("relay: asking the servers: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var errs []error
	for answered := range nodes {
		m, err := answers.NextMsgWithContext(ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("relay: %d of %d servers answered; is the connection one to the system account? %w", answered, nodes, err))
			break
		}
		var in struct {
			Server struct {
				Name string `json:"name"`
			} `json:"server"`
			Data struct {
				Config struct {
					SyncAlways bool `json:"sync_always"`
				} `json:"config"`
			} `json:"data"`
		}
		if err := json.Unmarshal(m.Data, &in); err != nil {
			errs = append(errs, fmt.Errorf("relay: a server's answer: %w", err))
			continue
		}
		if !in.Data.Config.SyncAlways {
			errs = append(errs, fmt.Errorf(
				"relay: server %s acknowledges before it writes to its disk: set jetstream { sync_interval: always } there", in.Server.Name))
		}
	}
	return errors.Join(errs...)
}

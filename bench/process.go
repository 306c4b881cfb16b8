package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// The program starts itself again for every sink and every worker, with one of these as its first
// argument. They are not flags, because they are not for people.
const (
	sinkRole   = "sink-process"
	workerRole = "worker-process"
)

// child runs this process in the role that its arguments name. It returns false if they name no
// role.
func child(args []string) (bool, error) {
	if len(args) != 3 {
		return false, nil
	}
	switch args[1] {
	case sinkRole:
		expect, err := strconv.Atoi(args[2])
		if err != nil {
			return true, err
		}
		return true, serveSink(expect)
	case workerRole:
		return true, serveWorker(args[2])
	case nodesRole:
		return true, serveNodes(args[2])
	}
	return false, nil
}

// start starts this program in a role. The new process ends when its stdin is closed. The end of
// this process closes it too.
func start(ctx context.Context, role, argument string) (cmd *exec.Cmd, stdin io.WriteCloser, stdout io.Reader, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, nil, err
	}
	cmd = exec.CommandContext(ctx, self, role, argument)
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = 5 * time.Second
	if stdin, err = cmd.StdinPipe(); err != nil {
		return nil, nil, nil, err
	}
	if stdout, err = cmd.StdoutPipe(); err != nil {
		return nil, nil, nil, err
	}
	err = cmd.Start()
	return cmd, stdin, stdout, err
}

// sinkProcess is a running sink.
type sinkProcess struct {
	cmd     *exec.Cmd
	stdin   io.Closer
	control *control
}

func startSink(ctx context.Context, expect int) (*sinkProcess, error) {
	cmd, stdin, stdout, err := start(ctx, sinkRole, strconv.Itoa(expect))
	if err != nil {
		return nil, fmt.Errorf("start a sink: %w", err)
	}
	s := &sinkProcess{cmd: cmd, stdin: stdin}
	base, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("start a sink: %w", err)
	}
	s.control = newControl(strings.TrimSpace(base))
	return s, nil
}

func (s *sinkProcess) stop() {
	_ = s.stdin.Close()
	_ = s.cmd.Wait()
}

// runWorker runs a job in a separate process.
func runWorker(ctx context.Context, j job) (result, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return result{}, err
	}
	cmd, stdin, stdout, err := start(ctx, workerRole, string(text))
	if err != nil {
		return result{}, fmt.Errorf("start a worker: %w", err)
	}
	defer stdin.Close()
	var res result
	decoded := json.NewDecoder(stdout).Decode(&res)
	if err := cmd.Wait(); err != nil {
		return result{}, errors.Join(fmt.Errorf("worker: %w", err), ctx.Err())
	}
	return res, decoded
}

// Command resume reloads an ASGI app with resume = true again and again while clients have
// WebSockets and event streams open. It checks that no client is disconnected and that everything
// arrives once and in order.
//
//	go run ./bench/resume                                       # 1000, 100, 20
//	go run ./bench/resume -sockets 20 -streams 5 -reloads 3
//
// It prints the number of disconnected clients, and the longest wait for the answer to a message or
// for the next event, both during reloads and otherwise: the clients and other programs share the
// machine with the host. The command fails if anything was lost.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/modgw/modgw/bench/testbed"
)

func main() { testbed.Main("resume", run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("resume", flag.ContinueOnError)
	flags.SetOutput(stderr)
	sockets := flags.Int("sockets", 1000, "WebSockets that are open")
	streams := flags.Int("streams", 100, "event streams that are open")
	reloads := flags.Int("reloads", 20, "how often the app is reloaded")
	workers := flags.Int("workers", 1, "workers of the app")
	program := flags.String("host", "", "the modgw-host to test; none: it is built")
	if err := flags.Parse(args); err != nil {
		return err
	}
	bed, err := testbed.New(ctx, "resume", *program)
	if err != nil {
		return err
	}
	defer bed.Remove()
	s, err := startSite(ctx, bed, *workers)
	if err != nil {
		return err
	}
	defer s.host.Stop()
	c := newClients(s, *sockets, *streams)
	defer c.stop()
	for n := range *reloads {
		if err := c.awaitAll(ctx, n+1); err != nil {
			return fmt.Errorf("version %d: %w\n%s", n+1, err, s.host.Log())
		}
		c.reloading.Store(false)
		time.Sleep(2 * time.Second) // an app that changes immediately seems to reload itself
		c.reloading.Store(true)
		c.began = time.Now()
		s.write(n + 2)
	}
	if err := c.awaitAll(ctx, *reloads+1); err != nil {
		return fmt.Errorf("version %d: %w\n%s", *reloads+1, err, s.host.Log())
	}
	c.stop()
	fmt.Fprintf(stdout, "%d WebSockets and %d event streams over %d reloads: %d disconnected or wrong, longest reload %s\n"+
		"longest pause while the app is reloaded: %v; before and after: %v\n",
		*sockets, *streams, *reloads, c.failed.Load(), c.longest.Round(time.Millisecond), &c.moved, &c.usual)
	if c.failed.Load() > 0 {
		return fmt.Errorf("clients failed, such as: %v", c.first.Load())
	}
	return nil
}

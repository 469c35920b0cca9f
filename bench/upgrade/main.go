// Command upgrade upgrades a host to the same program again and again. Meanwhile clients send
// requests directly, and through Apache and nginx, which keep their connections open; WebSockets
// are open, too.
//
//	go run ./bench/upgrade                # 20 upgrades, 200 requests a second each way
//	go run ./bench/upgrade -upgrades 2 -rate 50 -sockets 2
//
// It prints the number of lost requests and WebSockets and, after each upgrade, the number of
// workers that are still the same processes, and the memory and descriptors of the serving host.
// The command fails if anything was lost, or if a worker was replaced. A web server that is not
// installed is left out.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/modgw/modgw/bench/testbed"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

func main() { testbed.Main("upgrade", run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("upgrade", flag.ContinueOnError)
	flags.SetOutput(stderr)
	upgrades := flags.Int("upgrades", 20, "how often the host is replaced")
	rate := flags.Int("rate", 200, "requests a second each way")
	sockets := flags.Int("sockets", 10, "WebSockets that are open")
	program := flags.String("host", "", "the modgw-host to test; none: it is built")
	if err := flags.Parse(args); err != nil {
		return err
	}
	bed, err := testbed.New(ctx, "upgrade", *program)
	if err != nil {
		return err
	}
	defer bed.Remove()
	s, err := startSite(ctx, bed)
	if err != nil {
		return err
	}
	defer s.stop()
	return s.measure(ctx, stdout, *upgrades, *rate, *sockets)
}

// measure performs upgrades under load, and prints the losses.
func (s *site) measure(ctx context.Context, stdout io.Writer, upgrades, rate, sockets int) error {
	chats := make([]*chat, sockets)
	for i := range chats {
		var err error
		if chats[i], err = openChat(s.direct); err != nil {
			return err
		}
		defer chats[i].conn.Close()
	}
	asking, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, l := range s.loads {
		running.Go(func() { l.run(asking, rate) })
	}
	defer running.Wait()
	defer stop()
	client := control.NewClient(modgw.Address("unix:" + filepath.Join(s.bed.Dir, "state/control.sock")))
	fmt.Fprintf(stdout, "%-8s %9s %8s %8s %12s %8s\n", "upgrade", "took", "pid", "workers", "descriptors", "MiB")
	dropped, replaced := 0, 0
	for n := range upgrades {
		testbed.Pause(ctx, time.Second)
		done, err := client.Upgrade(ctx, s.bed.Program)
		if err != nil {
			return fmt.Errorf("upgrade %d: %w\n%s", n+1, err, s.log())
		}
		replaced += done.Workers - done.Kept
		for i, c := range chats {
			if c == nil {
				continue
			}
			if err := c.echo(fmt.Sprint("upgrade ", n+1)); err != nil {
				fmt.Fprintln(stdout, "WebSocket dropped:", err)
				chats[i], dropped = nil, dropped+1
			}
		}
		testbed.Pause(ctx, time.Second)
		files, memory := usage(done.PID)
		kept := fmt.Sprintf("%d of %d", done.Kept, done.Workers)
		fmt.Fprintf(stdout, "%-8d %9s %8d %8s %12d %8.1f\n", n+1, done.Took.Round(time.Millisecond), done.PID, kept, files, memory)
	}
	stop()
	running.Wait()
	lost := dropped
	for _, l := range s.loads {
		fmt.Fprintf(stdout, "%s: %d requests, %d lost, longest %s\n", l.name, l.sent, l.lost, l.longest.Round(time.Millisecond))
		if lost += l.lost; l.lost > 0 {
			fmt.Fprintln(stdout, " ", l.first)
		}
	}
	fmt.Fprintf(stdout, "%d WebSockets, %d dropped\n", sockets, dropped)
	fmt.Fprintf(stdout, "%d workers were replaced\n", replaced)
	if lost > 0 {
		return fmt.Errorf("%d requests and WebSockets were lost", lost)
	}
	if replaced > 0 {
		return fmt.Errorf("%d workers are other processes", replaced)
	}
	return ctx.Err()
}

// usage returns the number of open descriptors of a process, and its memory in MiB.
func usage(pid int) (files int, memory float64) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0, 0
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return len(entries), 0
	}
	var size, resident float64
	_, _ = fmt.Sscan(string(text), &size, &resident) // 0 if that fails
	return len(entries), resident * float64(os.Getpagesize()) / (1 << 20)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/modgw/modgw/cmd/modgw-host/internal/top"
	"github.com/modgw/modgw/modgw/control"
)

func newTop(c console) *cobra.Command {
	var s settings
	var asJSON, once bool
	var order string
	var interval time.Duration
	var m top.Model
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Watch all apps: rates, durations, queues, workers, and what is wrong",
		Long: `Watch all apps: rates, durations, queues, workers, and what is wrong. Without a
terminal, or with --once, top prints one table, after what is wrong with the
host. --json prints the rows of the table.`,
		Example: "  modgw-host top\n  modgw-host top --sort cpu --once",
		Args:    arguments(cobra.NoArgs),
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if !m.SortBy(order) {
				return &usageError{cmd.CommandPath(), fmt.Sprintf("cannot sort by %q: --sort is one of %s", order,
					strings.Join(top.Orders(), ", "))}
			}
			if interval <= 0 {
				return &usageError{cmd.CommandPath(), fmt.Sprintf("cannot refresh each %s: --interval must be longer than 0s",
					interval)}
			}
			return nil
		},
		RunE: s.ask(func(cmd *cobra.Command, client *control.Client, _ []string) error {
			if screen := c.screen(); screen != nil && !once && !asJSON {
				return watchTop(cmd.Context(), client, &m, c.stdin, screen, interval)
			}
			if err := sampleTwice(cmd.Context(), client, &m, interval); err != nil {
				return err
			}
			if asJSON {
				return c.json(m.Rows())
			}
			lines := top.Table(m.Rows())
			if about := m.About(); about != "" {
				lines = append([]string{about}, lines...)
			}
			_, err := fmt.Fprintln(c.stdout, strings.Join(lines, "\n"))
			return err
		}),
	}
	s.bind(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&once, "once", false, "print one table and end")
	cmd.Flags().StringVar(&order, "sort", "app", "sort by `COLUMN`: "+strings.Join(top.Orders(), ", "))
	cmd.Flags().DurationVar(&interval, "interval", time.Second, "`TIME` between two samples")
	return cmd
}

// screen is the terminal that standard output is, when standard input is one, too; nil: it is none.
func (c console) screen() *os.File {
	out, ok := c.stdout.(*os.File)
	if !ok || c.stdin == nil || os.Getenv("TERM") == "dumb" ||
		!term.IsTerminal(int(out.Fd())) || !term.IsTerminal(int(c.stdin.Fd())) {
		return nil
	}
	return out
}

// sampleTwice asks the host twice: rates are between two answers.
func sampleTwice(ctx context.Context, host top.Host, m *top.Model, interval time.Duration) error {
	for i := range 2 {
		if i > 0 {
			select {
			case <-time.After(interval):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		snapshot, err := top.Read(ctx, host)
		if err != nil {
			return err
		}
		m.Add(snapshot)
	}
	return nil
}

// Sequences for a terminal.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	toTop       = "\x1b[H"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
	plainText   = "\x1b[0m"
)

// styles are the sequences that begin a line.
var styles = map[top.Style]string{top.Head: "\x1b[2m", top.Selected: "\x1b[7m", top.Bad: "\x1b[31m", top.Doubt: "\x1b[33m"}

// watchTop shows the model on a terminal until a key ends it.
func watchTop(ctx context.Context, host top.Host, m *top.Model, keyboard, screen *os.File, interval time.Duration) (err error) {
	before, err := term.MakeRaw(int(keyboard.Fd()))
	if err != nil {
		return fmt.Errorf("cannot use the terminal: %w", err)
	}
	defer func() { err = errors.Join(err, term.Restore(int(keyboard.Fd()), before)) }()
	if _, err := io.WriteString(screen, enterScreen); err != nil {
		return err
	}
	defer func() { _, _ = io.WriteString(screen, leaveScreen) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The goroutines are left behind: a read from a terminal ends with the next key or the program.
	keys, snapshots := make(chan []byte), make(chan func())
	go readKeys(ctx, keyboard, keys)
	go lookAgain(ctx, host, m, snapshots, interval)
	for {
		if err := draw(screen, m); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case show := <-snapshots:
			show()
		case sent, ok := <-keys:
			if !ok || slices.ContainsFunc(top.Keys(sent), func(k top.Key) bool { return !m.Press(k) }) {
				return nil
			}
		}
	}
}

// readKeys sends the bytes of the keyboard as they arrive, and closes keys at its end.
func readKeys(ctx context.Context, keyboard io.Reader, keys chan<- []byte) {
	defer close(keys)
	for {
		buffer := make([]byte, 64)
		n, err := keyboard.Read(buffer)
		if err != nil {
			return
		}
		select {
		case keys <- buffer[:n]:
		case <-ctx.Done():
			return
		}
	}
}

// lookAgain asks the host at intervals and sends functions that show the answers.
func lookAgain(ctx context.Context, host top.Host, m *top.Model, snapshots chan<- func(), interval time.Duration) {
	for {
		snapshot, err := top.Read(ctx, host)
		show := func() { m.Add(snapshot) }
		if err != nil {
			show = func() { m.Fail(err) }
		}
		select {
		case snapshots <- show:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(interval):
		case <-ctx.Done():
			return
		}
	}
}

// draw writes the whole screen.
func draw(screen *os.File, m *top.Model) error {
	width, height, err := term.GetSize(int(screen.Fd()))
	if err != nil {
		width, height = 80, 24
	}
	var b strings.Builder
	b.WriteString(toTop)
	for i, line := range m.View(width, height) {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(styles[line.Style] + line.Text + plainText + clearLine)
	}
	b.WriteString(clearBelow)
	_, err = io.WriteString(screen, b.String())
	return err
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"text/tabwriter"

	"golang.org/x/term"

	"github.com/modgw/modgw/cmd/modgw-host/internal/journal"
	"github.com/modgw/modgw/cmd/modgw-host/internal/logtext"
	"github.com/modgw/modgw/modgw"
)

// colour reports whether stderr shows colours.
func (c console) colour() bool { return showsColours(c.onTerminal) }

// colourOfResults reports whether stdout does.
func (c console) colourOfResults() bool {
	return showsColours(func() bool {
		f, ok := c.stdout.(*os.File)
		return ok && term.IsTerminal(int(f.Fd()))
	})
}

// showsColours reports whether to write colours: NO_COLOR, FORCE_COLOR and TERM=dumb decide before
// the terminal does.
func showsColours(onTerminal func() bool) bool {
	switch {
	case os.Getenv("NO_COLOR") != "", os.Getenv("TERM") == "dumb":
		return false
	case os.Getenv("FORCE_COLOR") != "", os.Getenv("CLICOLOR_FORCE") != "":
		return true
	}
	return onTerminal()
}

// onTerminal reports whether people see stderr at once.
func (c console) onTerminal() bool {
	f := c.stderrFile()
	return f != nil && term.IsTerminal(int(f.Fd()))
}

// logger prints to stderr: for people ("text"), for a journal if stderr is one, or as JSON
// ("json").
func (c console) logger(format string) (*slog.Logger, error) {
	handler, err := c.logHandler(format, c.stderr)
	if err != nil {
		return nil, err
	}
	return slog.New(handler), nil
}

// logHandler returns the handler of that log, which writes to out.
func (c console) logHandler(format string, out io.Writer) (slog.Handler, error) {
	switch format {
	case "json":
		return slog.NewJSONHandler(out, nil), nil
	case "text":
		if c.entries {
			return journal.New(out, modgw.AppLine), nil
		}
		head := logtext.Timed
		switch {
		case c.intoJournal():
			head = logtext.Prioritized
		case !c.onTerminal():
			head = logtext.Dated
		}
		return logtext.New(out, logtext.Options{Colour: c.colour(), Head: head, Plain: modgw.AppLine}), nil
	}
	return nil, fmt.Errorf("cannot log as %q: --log-format is text or json", format)
}

// intoJournal reports whether stderr goes to systemd's journal (systemd.exec(5), JOURNAL_STREAM).
func (c console) intoJournal() bool {
	f := c.stderrFile()
	if f == nil {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}

// json prints a result for programs.
func (c console) json(result any) error {
	encoder := json.NewEncoder(c.stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(result)
}

// table prints rows in columns, the first row being their heads.
func (c console) table(rows [][]string) error {
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintln(w, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return w.Flush()
}

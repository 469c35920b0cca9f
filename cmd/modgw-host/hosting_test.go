package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/modgw/modgw/modgw"
)

func TestLogGoesToTheJournalWithFieldsWhereStandardErrorDoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	listener, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	c := console{stderr: stderr}
	if c.journalSocket("text", path) != nil {
		t.Error("standard error is not the journal's")
	}
	info, err := stderr.Stat()
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", stat.Dev, stat.Ino))
	if c.journalSocket("json", path) != nil || c.journalSocket("text", path+"-of-none") != nil {
		t.Error("there is no journal, or its entries are not wanted")
	}
	socket := c.journalSocket("text", path)
	if socket == nil {
		t.Fatal("standard error is the journal's")
	}
	defer socket.Close()
	c.entries = true
	handler, err := c.logHandler("text", socket)
	if err != nil {
		t.Fatal(err)
	}
	slog.New(handler).With("app", "blog").Info(modgw.AppLine, "line", "hello", "stream", "stdout")
	entry := make([]byte, 4096)
	n, err := listener.Read(entry)
	if err != nil {
		t.Fatal(err)
	}
	want := "MESSAGE=blog       | hello\nPRIORITY=6\nSYSLOG_IDENTIFIER=modgw-host\nMODGW_EVENT=" + modgw.AppLine +
		"\nMODGW_APP=blog\nMODGW_STREAM=stdout\n"
	if got := string(entry[:n]); got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if text, err := os.ReadFile(stderr.Name()); err != nil || strings.TrimSpace(string(text)) != "" {
		t.Errorf("standard error has %q, %v", text, err)
	}
}

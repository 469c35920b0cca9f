package journal

import (
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// listener receives entries as the journal does.
type listener struct {
	*net.UnixConn
	t *testing.T
}

func listen(t *testing.T, path string) *listener {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &listener{conn, t}
}

// entry returns the fields of the next entry, and whether it came in a file.
func (l *listener) entry() (fields map[string]string, inFile bool) {
	l.t.Helper()
	if err := l.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		l.t.Fatal(err)
	}
	message, rights := make([]byte, 1<<20), make([]byte, 64)
	n, of, _, _, err := l.ReadMsgUnix(message, rights)
	if err != nil {
		l.t.Fatal(err)
	}
	message = message[:n]
	if of > 0 {
		message = l.file(rights[:of])
	}
	fields = map[string]string{}
	for len(message) > 0 {
		line, rest, _ := bytes.Cut(message, []byte{'\n'})
		if name, value, ok := strings.Cut(string(line), "="); ok {
			fields[name], message = value, rest
			continue
		}
		size := binary.LittleEndian.Uint64(rest)
		fields[string(line)] = string(rest[8 : 8+size])
		message = rest[8+size+1:]
	}
	return fields, of > 0
}

// file returns the content of the file that was passed with a message. The file must be sealed.
func (l *listener) file(rights []byte) []byte {
	l.t.Helper()
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		l.t.Fatal(err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		l.t.Fatal(err)
	}
	file := os.NewFile(uintptr(fds[0]), "entry")
	defer file.Close()
	seals, err := unix.FcntlInt(file.Fd(), unix.F_GET_SEALS, 0)
	if err != nil || seals&unix.F_SEAL_WRITE == 0 || seals&unix.F_SEAL_GROW == 0 || seals&unix.F_SEAL_SHRINK == 0 {
		l.t.Errorf("seals %x, %v", seals, err)
	}
	text, err := io.ReadAll(io.NewSectionReader(file, 0, 1<<30))
	if err != nil {
		l.t.Fatal(err)
	}
	return text
}

// dial returns a journal and a connection to it.
func dial(t *testing.T) (*listener, *Socket) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "socket")
	l := listen(t, path)
	s, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return l, s
}

func TestAttributesOfARecordAreFieldsOfAnEntry(t *testing.T) {
	l, s := dial(t)
	log := slog.New(New(s, "line")).With("app", "blog")
	log.With("generation", 3).Error("request failed", "request", "abc", "not-plain", "a\x1bb", "traceback", "one\ntwo\nMODGW_APP=shop")
	log.Info("line", "line", "hello", "stream", "stdout")
	log.Debug("not shown")
	for _, want := range []map[string]string{
		{
			"MESSAGE":  "blog       ✗ request failed generation=3 request=abc not-plain=\"a\\x1bb\"\n    one\n    two\n    MODGW_APP=shop",
			"PRIORITY": "3", "SYSLOG_IDENTIFIER": "modgw-host", "MODGW_EVENT": "request failed", "MODGW_APP": "blog", "MODGW_GENERATION": "3",
			"MODGW_REQUEST": "abc", "MODGW_NOT_PLAIN": `a\x1bb`, "MODGW_TRACEBACK": "one\ntwo\nMODGW_APP=shop",
		},
		{
			"MESSAGE": "blog       | hello", "PRIORITY": "6", "SYSLOG_IDENTIFIER": "modgw-host", "MODGW_EVENT": "line",
			"MODGW_APP": "blog", "MODGW_STREAM": "stdout",
		},
	} {
		got, inFile := l.entry()
		if inFile || len(got) != len(want) {
			t.Errorf("%q, not %q", got, want)
		}
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s is %q, not %q", name, got[name], value)
			}
		}
	}
}

func TestTextsOfOthersAreEntriesToo(t *testing.T) {
	l, s := dial(t)
	text := "cannot listen\n\n\x1e[[\nMODGW_APP=shop\n"
	if n, err := io.WriteString(s, text); n != len(text) || err != nil {
		t.Fatal(n, err)
	}
	for _, want := range []string{"cannot listen", "\x1e[[", "MODGW_APP=shop"} {
		if got, _ := l.entry(); got["MESSAGE"] != want || len(got) != 3 {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestLongEntriesComeInAFile(t *testing.T) {
	l, s := dial(t)
	long := strings.Repeat("x", 512<<10) // longer than a datagram may be
	record := slog.NewRecord(time.Now(), slog.LevelWarn, "long", 0)
	record.Add("traceback", long)
	if err := New(s, "line").Handle(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	if got, inFile := l.entry(); !inFile || got["MODGW_TRACEBACK"] != long || got["PRIORITY"] != "4" {
		t.Errorf("in a file: %v, %d bytes", inFile, len(got["MODGW_TRACEBACK"]))
	}
}

func TestJournalMayBeStartedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	if _, err := Dial(path); err == nil {
		t.Fatal("there is no journal")
	}
	first := listen(t, path)
	s, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(path) // closing has done it, or not
	if n, err := s.Write([]byte("lost\n")); n != 0 || err == nil {
		t.Errorf("%d %v", n, err)
	}
	second := listen(t, path)
	if _, err := s.Write([]byte("again\n")); err != nil {
		t.Fatal(err)
	}
	if got, _ := second.entry(); got["MESSAGE"] != "again" {
		t.Errorf("%q", got)
	}
}

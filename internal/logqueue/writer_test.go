package logqueue

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const patience = 20 * time.Second

func notice(l Lost) []byte { return fmt.Appendf(nil, "lost %d lines: %v\n", l.Lines, l.Err) }

// disk is a file that accepts room more bytes and then fails with err.
type disk struct {
	mu   sync.Mutex
	text bytes.Buffer
	room int
	err  error
}

func (d *disk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(p) > d.room {
		d.text.Write(p[:d.room])
		n := d.room
		d.room = 0
		return n, d.err
	}
	d.room -= len(p)
	return d.text.Write(p)
}

func (d *disk) free(room int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = room
}

func (d *disk) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

func awaitText(t *testing.T, d *disk, want string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(d.String(), want); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%q does not come; there is\n%s", want, d)
		}
	}
}

func TestLinesArriveInOrder(t *testing.T) {
	d := &disk{room: 1 << 30}
	w := New(d, 0, nil)
	var want strings.Builder
	for i := range 10_000 {
		line := fmt.Sprintf("line %d %s\n", i, strings.Repeat("x", i%100))
		want.WriteString(line)
		fmt.Fprint(w, line)
	}
	w.Close(patience)
	if d.String() != want.String() {
		t.Error("lines are missing or in another order")
	}
}

func TestFullDiskLosesLinesAndTheirNumberIsReportedWhenThereIsRoom(t *testing.T) {
	d := &disk{room: 8, err: unix.ENOSPC}
	w := New(d, 0, notice)
	fmt.Fprint(w, "one\ntwo\nthree\n")
	awaitText(t, d, "one\ntwo\n")
	d.free(1 << 20)
	awaitText(t, d, "lost 1 lines: no space left on device\n") // there was no other write
	fmt.Fprint(w, "four\n")
	w.Close(patience)
	if got, want := d.String(), "one\ntwo\nlost 1 lines: no space left on device\nfour\n"; got != want {
		t.Errorf("the file has\n%s\nwant\n%s", got, want)
	}
}

func TestLineThatWasCutByAFullDiskIsEnded(t *testing.T) {
	d := &disk{room: 2, err: unix.ENOSPC}
	w := New(d, 0, notice)
	fmt.Fprint(w, "one\n")
	awaitText(t, d, "on")
	d.free(1 << 20)
	w.Close(patience)
	if got, want := d.String(), "on\nlost 1 lines: no space left on device\n"; got != want {
		t.Errorf("the file has\n%q\nwant\n%q", got, want)
	}
}

// fullPipe returns a pipe whose buffer is full.
func fullPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	fd := int(w.Fd())
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := unix.Write(fd, bytes.Repeat([]byte{'.'}, 4096)); errors.Is(err, unix.EAGAIN) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return r, w
}

func TestFullPipeBlocksNoWriterAndTheGapIsReported(t *testing.T) {
	for _, nonblocking := range []bool{false, true} {
		r, pipe := fullPipe(t)
		if err := unix.SetNonblock(int(pipe.Fd()), nonblocking); err != nil {
			t.Fatal(err)
		}
		w := New(&file{int(pipe.Fd()), pipe}, 1000, notice)
		for i := range 1000 {
			fmt.Fprintf(w, "line %d\n", i)
		}
		w.Close(time.Millisecond) // does not wait either
		read := make(chan string)
		go func() {
			text, _ := io.ReadAll(r)
			read <- string(text)
		}()
		<-w.ended
		pipe.Close()
		text := strings.TrimLeft(<-read, ".")
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		next, gaps := 0, 0
		for _, line := range lines {
			var n int
			if _, err := fmt.Sscanf(line, "lost %d lines", &n); err == nil {
				next += n
				gaps++
			} else if want := fmt.Sprintf("line %d", next); line == want {
				next++
			} else {
				t.Fatalf("there is %q, want %q", line, want)
			}
		}
		if next != 1000 || gaps == 0 {
			t.Errorf("%d lines are accounted for, with %d gaps", next, gaps)
		}
		r.Close()
	}
}

func TestClosedPipeEndsNothing(t *testing.T) {
	r, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	r.Close()
	var lost Lost
	w := New(pipe, 0, func(l Lost) []byte { lost = l; return notice(l) })
	fmt.Fprint(w, "one\ntwo\n")
	w.Close(patience)
	if lost.Lines != 2 || !errors.Is(lost.Err, unix.EPIPE) {
		t.Errorf("lost %+v", lost)
	}
}

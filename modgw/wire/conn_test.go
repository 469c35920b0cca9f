package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair returns a connection of which the test is the worker.
func pair(t *testing.T) (host, worker *net.UnixConn) {
	t.Helper()
	host, file, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close(); conn.Close() })
	return host, conn.(*net.UnixConn)
}

func write(t *testing.T, conn net.Conn, data []byte) {
	t.Helper()
	if _, err := conn.Write(data); err != nil {
		t.Fatal(err)
	}
}

func TestFramesArriveInWhateverPieces(t *testing.T) {
	var sent []Frame
	var data []byte
	for i, size := range []int{0, 1, 100, readerSize - HeaderSize, readerSize, 3 * readerSize, 7} {
		f := Frame{Type: Body, Flags: Flags(i % 2), Stream: uint32(i + 1), Payload: bytes.Repeat([]byte{byte(i)}, size)}
		sent, data = append(sent, f), AppendFrame(data, f)
	}
	for _, step := range []int{1, 11, 12, 13, 1000, len(data)} {
		host, worker := pair(t)
		var writing sync.WaitGroup
		writing.Go(func() {
			for rest := data; len(rest) > 0; rest = rest[min(step, len(rest)):] {
				if _, err := worker.Write(rest[:min(step, len(rest))]); err != nil {
					t.Error(err)
					return
				}
			}
			worker.Close()
		})
		r := NewReader(host)
		for i, want := range sent {
			got, err := r.Next()
			if err != nil || got.Type != want.Type || got.Flags != want.Flags || got.Stream != want.Stream || !bytes.Equal(got.Payload, want.Payload) {
				t.Fatalf("step %d, frame %d: %v %d bytes, %v", step, i, got.Type, len(got.Payload), err)
			}
		}
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("step %d: end is %v", step, err)
		}
		writing.Wait()
	}
}

func TestBrokenFramesAreErrors(t *testing.T) {
	for name, data := range map[string]string{
		"too long":     "\x01\x00\x10\x00\x01\x00\x00\x00\x02\x00\x00\x00",
		"unknown type": "\x00\x00\x00\x00\x01\x00\x00\x00\x63\x00\x00\x00",
		"no type":      "\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00",
		"flags":        "\x00\x00\x00\x00\x01\x00\x00\x00\x02\x02\x00\x00",
		"reserved":     "\x00\x00\x00\x00\x01\x00\x00\x00\x02\x00\x01\x00",
	} {
		host, worker := pair(t)
		write(t, worker, []byte(data))
		_, err := NewReader(host).Next()
		if _, ok := errors.AsType[*ProtocolError](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	host, worker := pair(t)
	write(t, worker, []byte("\x05\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00abc"))
	worker.Close()
	if _, err := NewReader(host).Next(); err != io.ErrUnexpectedEOF {
		t.Errorf("cut off: %v", err)
	}
}

func TestReadingGoesOnAfterADeadline(t *testing.T) {
	host, worker := pair(t)
	r := NewReader(host)
	frame := AppendFrame(nil, Frame{Type: Body, Stream: 1, Payload: []byte("hello")})
	write(t, worker, frame[:14])
	if err := r.SetDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	write(t, worker, frame[14:])
	if err := r.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if f, err := r.Next(); err != nil || string(f.Payload) != "hello" {
		t.Errorf("got %q, %v", f.Payload, err)
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	host, worker := pair(t)
	r := NewReader(host)
	frame := AppendFrame(nil, Frame{Type: Body, Stream: 1, Payload: make([]byte, 1000)})
	allocations := testing.AllocsPerRun(100, func() {
		write(t, worker, frame)
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// sendFile sends a File frame with the descriptors.
func sendFile(t *testing.T, worker *net.UnixConn, before []byte, files ...*os.File) {
	t.Helper()
	var fds []int
	for _, f := range files {
		fds = append(fds, int(f.Fd()))
	}
	frame := AppendFrame(nil, Frame{Type: File, Flags: FlagEnd, Stream: 1, Payload: make([]byte, 16)})
	write(t, worker, append(before, frame[:0]...))
	if _, _, err := worker.WriteMsgUnix(frame, unix.UnixRights(fds...), nil); err != nil {
		t.Fatal(err)
	}
}

func TestDescriptorsComeWithTheirFrames(t *testing.T) {
	host, worker := pair(t)
	var files []*os.File
	for _, text := range []string{"first", "second"} {
		f, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	body := AppendFrame(nil, Frame{Type: Body, Stream: 1, Payload: []byte("x")})
	sendFile(t, worker, body, files[0])
	sendFile(t, worker, body, files[1])
	r := NewReader(host)
	for _, want := range []string{"first", "second"} {
		for f := (Frame{}); f.Type != File; {
			var err error
			if f, err = r.Next(); err != nil {
				t.Fatal(err)
			}
		}
		file, err := r.Descriptor()
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 10)
		n, _ := file.ReadAt(got, 0)
		if string(got[:n]) != want {
			t.Errorf("got %q, want %q", got[:n], want)
		}
		file.Close()
	}
	if _, err := r.Descriptor(); err == nil {
		t.Error("there is one more")
	}
}

func TestUnwantedDescriptorsAreClosedErrors(t *testing.T) {
	before := openFiles(t)
	for _, count := range []int{1, maxDescriptors + 1} {
		host, worker := pair(t)
		f, err := os.Open("/dev/null")
		if err != nil {
			t.Fatal(err)
		}
		var files []*os.File
		for range count {
			files = append(files, f)
		}
		sendFile(t, worker, nil, files...)
		write(t, worker, AppendFrame(nil, Frame{Type: Body, Stream: 1}))
		worker.Close()
		r := NewReader(host)
		for err == nil {
			_, err = r.Next()
		}
		if _, ok := errors.AsType[*ProtocolError](err); !ok {
			t.Errorf("%d descriptors: %v", count, err)
		}
		r.Release()
		host.Close()
		f.Close()
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// slowConn blocks each write until the test releases it.
type slowConn struct {
	began chan []byte
	goOn  chan error
}

func (c slowConn) Write(p []byte) (int, error) {
	c.began <- bytes.Clone(p)
	if err := <-c.goOn; err != nil {
		return 0, err
	}
	return len(p), nil
}

func add(text string) func([]byte) []byte {
	return func(b []byte) []byte { return append(b, text...) }
}

func TestWaitingFramesAreWrittenTogether(t *testing.T) {
	conn := slowConn{make(chan []byte), make(chan error)}
	w := &Writer{conn: conn}
	var first sync.WaitGroup
	first.Go(func() {
		if err := w.Write(add("first")); err != nil {
			t.Error(err)
		}
	})
	if got := <-conn.began; string(got) != "first" {
		t.Errorf("got %q", got)
	}
	for _, text := range []string{"a", "b", "c"} {
		if err := w.Write(add(text)); err != nil { // returns although the connection is busy
			t.Error(err)
		}
	}
	conn.goOn <- nil
	if got := <-conn.began; string(got) != "abc" {
		t.Errorf("got %q", got)
	}
	conn.goOn <- nil
	first.Wait()
}

func TestWriteErrorStays(t *testing.T) {
	conn := slowConn{make(chan []byte, 9), make(chan error, 9)}
	w := &Writer{conn: conn}
	broken := errors.New("broken")
	conn.goOn <- broken
	for range 2 {
		if err := w.Write(add("x")); err != broken {
			t.Errorf("got %v", err)
		}
	}
	if len(conn.began) != 1 {
		t.Errorf("%d writes", len(conn.began))
	}
}

func TestOtherSideThatReadsNothingHoldsNoBoundedWriterUp(t *testing.T) {
	data := bytes.Repeat([]byte("x"), 64<<10)
	for name, write := range map[string]func(w *Writer) error{
		"Write":     func(w *Writer) error { return w.Write(add(string(data))) },
		"WriteLong": func(w *Writer) error { return w.WriteLong(Frame{Type: Body, Payload: data}) },
	} {
		host, _ := pair(t)
		// a writer that blocks nevertheless fails after a minute
		end := time.AfterFunc(time.Minute, func() { host.Close() })
		defer end.Stop()
		w := NewBoundedWriter(host, 10*time.Millisecond)
		var err error
		for err == nil {
			err = write(w)
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestOtherSideThatReadsNothingGetsNoFiles(t *testing.T) {
	conn, _ := pair(t)
	fill := NewBoundedWriter(conn, 10*time.Millisecond)
	for fill.Write(add(strings.Repeat("x", 64<<10))) == nil {
	}
	r, file, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	err = NewBoundedWriter(conn, 10*time.Millisecond).PassFiles(Frame{Type: Join}, []*os.File{file})
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if n, err := r.Read(make([]byte, 1)); err != io.EOF { // the other end is closed
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestManyWritersLoseNothing(t *testing.T) {
	host, worker := pair(t)
	w := &Writer{conn: worker}
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for range 200 {
				payload := strings.Repeat("x", i*10)
				err := w.Write(func(b []byte) []byte {
					return AppendFrame(b, Frame{Type: Body, Stream: uint32(i), Payload: []byte(payload)})
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	r := NewReader(host)
	counts := map[uint32]int{}
	for range 8 * 200 {
		f, err := r.Next()
		if err != nil || len(f.Payload) != int(f.Stream)*10 {
			t.Fatalf("%d bytes on stream %d, %v", len(f.Payload), f.Stream, err)
		}
		counts[f.Stream]++
	}
	writers.Wait()
	for stream, n := range counts {
		if n != 200 {
			t.Errorf("stream %d has %d frames", stream, n)
		}
	}
}

// TestLongBodyComesInPieces has a reader that does not wait for the whole of it.
func TestLongBodyComesInPieces(t *testing.T) {
	mine, theirs := pair(t)
	r := NewReader(mine).InPieces()
	body := bytes.Repeat([]byte("0123456789"), 100_000)
	sent := make(chan error, 1)
	go func() {
		w := &Writer{conn: theirs}
		sent <- errors.Join(
			w.WriteLong(Frame{Type: Body, Flags: FlagEnd, Stream: 7, Payload: body}),
			w.WriteLong(Frame{Type: Body, Flags: FlagEnd, Stream: 8}),
		)
	}()
	var got []byte
	for pieces := 1; ; pieces++ {
		f, err := r.Next()
		if err != nil || f.Type != Body || f.Stream != 7 || len(f.Payload) == 0 {
			t.Fatalf("%v on stream %d with %d bytes, %v", f.Type, f.Stream, len(f.Payload), err)
		}
		got = append(got, f.Payload...)
		if f.End() != (len(got) == len(body)) {
			t.Fatalf("the end is %v after %d bytes", f.End(), len(got))
		}
		if f.End() {
			if pieces == 1 {
				t.Error("it came as a whole")
			}
			break
		}
	}
	if !bytes.Equal(got, body) {
		t.Error("the pieces do not make up the body")
	}
	if f, err := r.Next(); err != nil || f.Stream != 8 || !f.End() || len(f.Payload) > 0 {
		t.Errorf("after it came %+v, %v", f, err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

// TestConnectionThatEndsWithinAPieceIsNoEnd covers a body of which only the header has arrived.
func TestConnectionThatEndsWithinAPieceIsNoEnd(t *testing.T) {
	mine, theirs := pair(t)
	if _, err := theirs.Write(AppendFrame(nil, Frame{Type: Body, Stream: 7, Payload: make([]byte, 9)})[:HeaderSize]); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	if _, err := NewReader(mine).InPieces().Next(); err != io.ErrUnexpectedEOF {
		t.Errorf("the error is %v", err)
	}
}

func TestWindowAllowsWhatWasGivenBack(t *testing.T) {
	var w ReceiveWindow
	total := 0
	for range 100 {
		if err := w.Received(InitialWindow / 4); err != nil {
			t.Fatal(err)
		}
		total += w.Consumed(InitialWindow / 4)
	}
	if total != 100*InitialWindow/4 {
		t.Errorf("%d bytes given back", total)
	}
	if err := w.Received(InitialWindow); err != nil {
		t.Error(err)
	}
	if err := w.Received(1); err == nil {
		t.Error("a byte beyond the window was allowed")
	}
}

func FuzzReader(f *testing.F) {
	f.Add(AppendFrame(AppendWindow(nil, 1, 5), Frame{Type: Body, Stream: 1, Payload: []byte("x")}))
	f.Add([]byte("\x05\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00abc"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 100_000 {
			return
		}
		host, worker := pair(t)
		write(t, worker, data)
		worker.Close()
		r := NewReader(host)
		read := 0
		for {
			frame, err := r.Next()
			if err != nil {
				break
			}
			read += HeaderSize + len(frame.Payload)
		}
		if read > len(data) {
			t.Errorf("%d bytes of frames from %d", read, len(data))
		}
	})
}

// breaking accepts some bytes and then fails; before its first write it lets another goroutine
// leave a frame.
type breaking struct {
	first  func()
	writes int
}

func (b *breaking) Write(p []byte) (int, error) {
	b.writes++
	if b.writes == 1 {
		b.first()
		return len(p), nil
	}
	return 0, io.ErrClosedPipe
}

func TestFramesThatWereWrittenAreNoErrorWhenThoseOfOthersAre(t *testing.T) {
	conn := &breaking{}
	w := &Writer{conn: conn}
	conn.first = func() {
		if err := w.Write(func(b []byte) []byte { return append(b, "others"...) }); err != nil {
			t.Errorf("frames that another goroutine writes: %v", err)
		}
	}
	if err := w.Write(func(b []byte) []byte { return append(b, "mine"...) }); err != nil {
		t.Errorf("frames that were written: %v", err)
	}
	if err := w.Write(func(b []byte) []byte { return append(b, "later"...) }); err == nil {
		t.Error("frames after the end are no error")
	}
}

package rawsocket

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair returns the two ends of a TCP connection.
func pair(t testing.TB) (ours *Conn, theirs *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dialled, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Close(); accepted.Close() })
	ours, ok := Of(accepted)
	if !ok {
		t.Fatal("a TCP connection is no socket")
	}
	return ours, dialled.(*net.TCPConn)
}

func TestBytesOfAnyNumberArriveInBothDirections(t *testing.T) {
	for _, size := range []int{1, 4096, maxSize, maxSize + 1, 5 << 20} {
		ours, theirs := pair(t)
		sent := bytes.Repeat([]byte("0123456789abcdef!"), size/17+1)[:size]
		go func() {
			defer theirs.CloseWrite()
			if _, err := io.Copy(theirs, io.LimitReader(theirs, int64(size))); err != nil {
				t.Error(err)
			}
		}()
		written := make(chan error, 1)
		go func() {
			pieces := [][]byte{nil, sent[:size/3], sent[size/3 : size/2], sent[size/2:]}
			err := ours.WritePieces(pieces)
			if err == nil && len(pieces[1])+len(pieces[2])+len(pieces[3]) > 0 {
				err = io.ErrShortWrite
			}
			written <- err
		}()
		got, err := io.ReadAll(ours)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d bytes came back as %d: %v", size, len(got), err)
		}
		if err := <-written; err != nil {
			t.Error(err)
		}
	}
}

func TestReadingEndsAtItsDeadline(t *testing.T) {
	ours, theirs := pair(t)
	read := make(chan error, 1)
	go func() {
		_, err := ours.Read(make([]byte, 1))
		read <- err
	}()
	ours.SetReadDeadline(time.Unix(1, 0))
	var e net.Error
	if err := <-read; !errors.As(err, &e) || !e.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
	ours.SetReadDeadline(time.Time{})
	theirs.Write([]byte("x"))
	if n, err := ours.Read(make([]byte, 10)); n != 1 || err != nil {
		t.Errorf("read %d bytes after the deadline was lifted: %v", n, err)
	}
}

func TestWritingEndsAtItsDeadlineAndTellsHowFarItCame(t *testing.T) {
	ours, theirs := pair(t)
	piece := make([]byte, 100<<10)
	total := 0
	ours.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	for {
		n, err := ours.Write(piece)
		total += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	ours.Close()
	if n, err := io.Copy(io.Discard, theirs); n != int64(total) {
		t.Errorf("%d bytes came of the %d that were written: %v", n, total, err)
	}
}

func TestErrorsAreThoseOfTheNetPackage(t *testing.T) {
	ours, theirs := pair(t)
	theirs.SetLinger(0)
	theirs.Close()
	_, err := ours.Read(make([]byte, 1))
	if e, ok := errors.AsType[*net.OpError](err); !ok || e.Op != "read" || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reading from a connection that was reset: %v", err)
	}
	if _, err := ours.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("writing to a connection that was reset: %v", err)
	}
	ours.Close()
	if _, err := ours.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("reading from a closed connection: %v", err)
	}
}

func TestOneCallReadsIntoTwoPieces(t *testing.T) {
	ours, theirs := pair(t)
	theirs.Write([]byte("first second"))
	first, second := make([]byte, 6), make([]byte, 10)
	n, err := ours.ReadTwo(first, second)
	if got := string(first) + string(second[:max(0, n-len(first))]); got != "first second" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	theirs.Close()
	if n, err := ours.ReadTwo(first, second); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d bytes, %v", n, err)
	}
}

func TestReadingOnceDoesNotWait(t *testing.T) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	p := make([]byte, 10)
	if n, err := Read(fds[0], p); n != 0 || err != syscall.EAGAIN {
		t.Errorf("from an empty pipe: %d bytes, %v", n, err)
	}
	unix.Write(fds[1], []byte("here"))
	if n, err := Read(fds[0], p); string(p[:n]) != "here" || err != nil {
		t.Errorf("got %q, %v", p[:n], err)
	}
}

func TestWhatIsNoSocketIsLeftAlone(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if _, ok := Of(a); ok {
		t.Error("a pipe is a socket")
	}
}

// BenchmarkExchange writes a byte to one end of a connection and reads it from the other, with the
// net package and with this package. No call has to wait.
func BenchmarkExchange(b *testing.B) {
	ours, theirs := pair(b)
	raw, ok := Of(theirs)
	if !ok {
		b.Fatal("a TCP connection is no socket")
	}
	for name, ends := range map[string][2]net.Conn{"net": {ours.socket, theirs}, "raw": {ours, raw}} {
		b.Run(name, func(b *testing.B) {
			p := make([]byte, 1)
			for b.Loop() {
				if _, err := ends[0].Write(p); err != nil {
					b.Fatal(err)
				}
				if _, err := ends[1].Read(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

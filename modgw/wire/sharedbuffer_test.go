package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// shareBuffer makes memory for two threads and maps it twice, as host and worker do: the
// host's buffer of the second thread, and all memory.
func shareBuffer(t testing.TB) (buffer *SharedBuffer, worker []byte) {
	t.Helper()
	file, err := NewSharedMemory(2 * ThreadBufferSize)
	if err != nil {
		t.Skip(err)
	}
	defer file.Close()
	if buffer, err = OpenThreadBuffer(file, 1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(buffer.Close)
	worker, err = unix.Mmap(int(file.Fd()), 0, 2*ThreadBufferSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(worker) })
	return buffer, worker[ThreadBufferSize:]
}

// sharedPiece returns the payload of a Shared frame.
func sharedPiece(offset, length uint32) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, offset), length)
}

func isProtocolError(err error) bool {
	_, ok := errors.AsType[*ProtocolError](err)
	return ok
}

func TestWorkerCannotChangeTheSizeOfSharedMemory(t *testing.T) {
	file, err := NewSharedMemory(ThreadBufferSize)
	if err != nil {
		t.Skip(err)
	}
	defer file.Close()
	for _, size := range []int64{0, ThreadBufferSize - 1, ThreadBufferSize + 1} {
		if err := os.Truncate(fmt.Sprintf("/proc/self/fd/%d", file.Fd()), size); !errors.Is(err, unix.EPERM) {
			t.Errorf("size %d: %v", size, err)
		}
	}
	if _, err := unix.FcntlInt(file.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE); !errors.Is(err, unix.EPERM) {
		t.Errorf("a further seal: %v", err)
	}
}

func TestResponsesAreAcquiredWhereTheWorkerPutThem(t *testing.T) {
	buffer, worker := shareBuffer(t)
	copy(worker[BufferWindow-5:], "hello")
	piece, err := buffer.Acquire(sharedPiece(BufferWindow-5, 5))
	if string(piece) != "hello" || err != nil {
		t.Errorf("%q, %v", piece, err)
	}
	copy(worker[BufferWindow:], "request")
	if piece, err := buffer.Acquire(sharedPiece(BufferWindow-1, 2)); !isProtocolError(err) {
		t.Errorf("beyond the responses: %q, %v", piece, err)
	}
}

func TestSharedPiecesThatBreakARule(t *testing.T) {
	for name, payload := range map[string][]byte{
		"empty": {}, "short": make([]byte, 7), "long": make([]byte, 9), "of nothing": sharedPiece(0, 0), "at the end": sharedPiece(BufferWindow, 1),
		"too long": sharedPiece(1, BufferWindow), "beyond 32 bits": sharedPiece(1<<32-1, 1<<32-1), "that wraps": sharedPiece(1<<32-1, 2),
	} {
		buffer, _ := shareBuffer(t)
		if piece, err := buffer.Acquire(payload); !isProtocolError(err) || piece != nil {
			t.Errorf("%s: %d bytes, %v", name, len(piece), err)
		}
	}
}

func TestMemoryIsAcquiredAgainOnlyAfterItWasReleased(t *testing.T) {
	buffer, _ := shareBuffer(t)
	acquire := func(offset, length uint32) []byte {
		t.Helper()
		piece, err := buffer.Acquire(sharedPiece(offset, length))
		if err != nil {
			t.Fatal(err)
		}
		return piece
	}
	last := acquire(BufferWindow-1, 1)
	first := acquire(0, BufferWindow-1)
	if _, err := buffer.Acquire(sharedPiece(0, 1)); !isProtocolError(err) {
		t.Errorf("what was not released: %v", err)
	}
	if back := buffer.Release(first); back != 0 {
		t.Errorf("%d bytes are told before those that were acquired earlier", back)
	}
	if back := buffer.Release(last); back != BufferWindow {
		t.Errorf("%d bytes are told", back)
	}
	if back := buffer.Release(acquire(0, 1)); back != 0 {
		t.Errorf("%d bytes are worth a frame", back)
	}
	acquire(0, BufferWindow-1)
}

func TestPiecesInOnePlaceAreReleasedOneByOne(t *testing.T) {
	buffer, _ := shareBuffer(t)
	const half = BufferWindow / 2
	pieces, _, err := buffer.AcquireAll([][]byte{sharedPiece(9, 1), sharedPiece(0, half-1), sharedPiece(0, half)})
	if err != nil {
		t.Fatal(err)
	}
	back := 0
	for _, i := range []int{1, 2, 0} {
		back += buffer.Release(pieces[i])
	}
	if back != BufferWindow {
		t.Errorf("%d bytes are told", back)
	}
}

func TestSeveralPiecesAreAcquiredAndRestoredAsOne(t *testing.T) {
	buffer, _ := shareBuffer(t)
	payloads := [][]byte{sharedPiece(7, 10), sharedPiece(0, BufferWindow-10)}
	for range 3 {
		pieces, size, err := buffer.AcquireAll(payloads)
		if err != nil || size != BufferWindow || len(pieces) != 2 || len(pieces[0]) != 10 {
			t.Fatalf("%d pieces of %d bytes, %v", len(pieces), size, err)
		}
		if _, err := buffer.Acquire(sharedPiece(0, 1)); !isProtocolError(err) {
			t.Errorf("beyond the window: %v", err)
		}
		buffer.Restore(pieces, size)
	}
	too := append(payloads, sharedPiece(0, 1))
	if _, _, err := buffer.AcquireAll(too); !isProtocolError(err) {
		t.Errorf("beyond the window: %v", err)
	}
	if _, size, err := buffer.AcquireAll(payloads); err != nil || size != BufferWindow {
		t.Errorf("after an error: %d bytes, %v", size, err)
	}
}

// TestOnlyFewPiecesArePeekedAt has more of them come than one response should have.
func TestOnlyFewPiecesArePeekedAt(t *testing.T) {
	t.Parallel()
	for pieces, want := range map[int]int{1: 1, 4: 4, 5: 0} {
		b := AppendFrame(nil, Frame{Type: Response, Stream: 1})
		for n := range pieces {
			flags := Flags(0)
			if n == pieces-1 {
				flags = FlagEnd
			}
			b = AppendShared(b, 1, flags, n, 1)
		}
		host, worker := pair(t)
		_, err := worker.Write(b)
		r := NewReader(host)
		if _, readErr := r.Next(); err != nil || readErr != nil {
			t.Fatal(err, readErr)
		}
		var room [4][]byte
		got, flags, length := r.PeekShared(1, room[:0])
		if len(got) != want || (length > 0) != (want > 0) || want > 0 && flags != FlagEnd {
			t.Errorf("of %d pieces %d, flags %d, length %d", pieces, len(got), flags, length)
		}
		r.Release()
	}
}

func TestRequestsGoRoundTheirHalf(t *testing.T) {
	buffer, worker := shareBuffer(t)
	put := func(n int) {
		t.Helper()
		room := buffer.Room()
		if len(room) < n {
			t.Fatalf("room for %d bytes, want %d", len(room), n)
		}
		room[0] = byte(n)
		offset := buffer.Put(n)
		if worker[BufferWindow+offset] != byte(n) {
			t.Errorf("the worker sees something else at %d", offset)
		}
	}
	put(BufferWindow - 10)
	put(10)
	if room := buffer.Room(); len(room) != 0 {
		t.Errorf("room for %d bytes while the worker has read nothing", len(room))
	}
	if err := buffer.Reclaim(binary.LittleEndian.AppendUint32(nil, 100)); err != nil {
		t.Fatal(err)
	}
	if room := buffer.Room(); len(room) != 100 {
		t.Errorf("room for %d bytes, 100 were reclaimed", len(room))
	}
	put(99)
	for _, payload := range [][]byte{binary.LittleEndian.AppendUint32(nil, BufferWindow), {1}, nil} {
		if err := buffer.Reclaim(payload); !isProtocolError(err) {
			t.Errorf("reclaimed % x: %v", payload, err)
		}
	}
}

// FuzzSharedBuffer shares arbitrary pieces: the host uses only the half for responses.
func FuzzSharedBuffer(f *testing.F) {
	f.Add(sharedPiece(0, 1))
	f.Add(sharedPiece(BufferWindow-1, 1))
	f.Add(append(sharedPiece(0, BufferWindow), sharedPiece(BufferWindow, 1<<31)...))
	buffer, _ := shareBuffer(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		for len(data) > 0 {
			payload := data[:min(8, len(data))]
			data = data[len(payload):]
			piece, err := buffer.Acquire(payload)
			if err != nil {
				if !isProtocolError(err) || piece != nil {
					t.Fatalf("%d bytes, %v", len(piece), err)
				}
				continue
			}
			if len(piece) == 0 || len(piece) > BufferWindow || cap(piece) != len(piece) {
				t.Fatalf("a piece of %d bytes, cap %d", len(piece), cap(piece))
			}
			piece[0], piece[len(piece)-1] = 1, 1 // it is mapped
			buffer.Release(piece)
		}
	})
}

func TestMuxBufferStaysMappedWhileItIsRetained(t *testing.T) {
	file, err := NewSharedMemory(2 * MuxBufferSize)
	if err != nil {
		t.Skip(err)
	}
	defer file.Close()
	buffer, err := OpenMuxBuffer(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte("hello"), MuxBufferSize-5); err != nil {
		t.Fatal(err)
	}
	buffer.Retain()
	piece, err := buffer.Acquire(sharedPiece(MuxBufferSize-5, 5))
	buffer.Close()
	if string(piece) != "hello" || err != nil {
		t.Errorf("%q, %v", piece, err)
	}
	for name, payload := range map[string][]byte{
		"short": make([]byte, 7), "of nothing": sharedPiece(0, 0), "beyond": sharedPiece(MuxBufferSize-4, 5), "that wraps": sharedPiece(1<<32-1, 2),
	} {
		if piece, err := buffer.Acquire(payload); !isProtocolError(err) || piece != nil {
			t.Errorf("%s: %d bytes, %v", name, len(piece), err)
		}
	}
	buffer.Close()
}

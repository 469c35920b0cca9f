package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// sharePlot makes an area for two lanes and maps it twice, as host and worker do: the host's plot of the second lane, and all memory.
func sharePlot(t testing.TB) (plot *Plot, worker []byte) {
	t.Helper()
	area, err := NewArea(2 * PlotSize)
	if err != nil {
		t.Skip(err)
	}
	defer area.Close()
	if plot, err = OpenPlot(area, 1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plot.Close)
	worker, err = unix.Mmap(int(area.Fd()), 0, 2*PlotSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(worker) })
	return plot, worker[PlotSize:]
}

// loan is the payload of a Lent frame.
func loan(offset, length uint32) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, offset), length)
}

func isProtocolError(err error) bool {
	_, ok := errors.AsType[*ProtocolError](err)
	return ok
}

func TestWorkerCannotChangeTheSizeOfTheArea(t *testing.T) {
	area, err := NewArea(PlotSize)
	if err != nil {
		t.Skip(err)
	}
	defer area.Close()
	for _, size := range []int64{0, PlotSize - 1, PlotSize + 1} {
		if err := os.Truncate(fmt.Sprintf("/proc/self/fd/%d", area.Fd()), size); !errors.Is(err, unix.EPERM) {
			t.Errorf("size %d: %v", size, err)
		}
	}
	if _, err := unix.FcntlInt(area.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE); !errors.Is(err, unix.EPERM) {
		t.Errorf("a further seal: %v", err)
	}
}

func TestResponsesAreBorrowedWhereTheWorkerPutThem(t *testing.T) {
	plot, worker := sharePlot(t)
	copy(worker[AreaWindow-5:], "hello")
	piece, err := plot.Borrow(loan(AreaWindow-5, 5))
	if string(piece) != "hello" || err != nil {
		t.Errorf("%q, %v", piece, err)
	}
	copy(worker[AreaWindow:], "request")
	if piece, err := plot.Borrow(loan(AreaWindow-1, 2)); !isProtocolError(err) {
		t.Errorf("beyond the responses: %q, %v", piece, err)
	}
}

func TestLoansThatBreakARule(t *testing.T) {
	for name, payload := range map[string][]byte{
		"empty": {}, "short": make([]byte, 7), "long": make([]byte, 9), "of nothing": loan(0, 0), "at the end": loan(AreaWindow, 1),
		"too long": loan(1, AreaWindow), "beyond 32 bits": loan(1<<32-1, 1<<32-1), "that wraps": loan(1<<32-1, 2),
	} {
		plot, _ := sharePlot(t)
		if piece, err := plot.Borrow(payload); !isProtocolError(err) || piece != nil {
			t.Errorf("%s: %d bytes, %v", name, len(piece), err)
		}
	}
}

func TestMemoryIsLentAgainOnlyOnceItWasReturned(t *testing.T) {
	plot, _ := sharePlot(t)
	if _, err := plot.Borrow(loan(0, AreaWindow)); err != nil {
		t.Fatal(err)
	}
	if back := plot.Return(AreaWindow - 1); back != AreaWindow-1 {
		t.Errorf("%d bytes are told", back)
	}
	if _, err := plot.Borrow(loan(0, AreaWindow-1)); err != nil {
		t.Errorf("what was returned: %v", err)
	}
	if _, err := plot.Borrow(loan(0, 1)); !isProtocolError(err) {
		t.Errorf("what was not returned: %v", err)
	}
	if back := plot.Return(1); back != 0 {
		t.Errorf("%d bytes are worth a frame", back)
	}
}

func TestRequestsGoRoundTheirHalf(t *testing.T) {
	plot, worker := sharePlot(t)
	put := func(n int) {
		t.Helper()
		room := plot.Room()
		if len(room) < n {
			t.Fatalf("room for %d bytes, want %d", len(room), n)
		}
		room[0] = byte(n)
		offset := plot.Lend(n)
		if worker[AreaWindow+offset] != byte(n) {
			t.Errorf("the worker sees something else at %d", offset)
		}
	}
	put(AreaWindow - 10)
	put(10)
	if room := plot.Room(); len(room) != 0 {
		t.Errorf("room for %d bytes while all is lent", len(room))
	}
	if err := plot.Regain(binary.LittleEndian.AppendUint32(nil, 100)); err != nil {
		t.Fatal(err)
	}
	if room := plot.Room(); len(room) != 100 {
		t.Errorf("room for %d bytes, 100 were given back", len(room))
	}
	put(99)
	for _, payload := range [][]byte{binary.LittleEndian.AppendUint32(nil, AreaWindow), {1}, nil} {
		if err := plot.Regain(payload); !isProtocolError(err) {
			t.Errorf("given back % x: %v", payload, err)
		}
	}
}

// FuzzPlot lets a worker lend anything: what the host looks at is in the half of the responses.
func FuzzPlot(f *testing.F) {
	f.Add(loan(0, 1))
	f.Add(loan(AreaWindow-1, 1))
	f.Add(append(loan(0, AreaWindow), loan(AreaWindow, 1<<31)...))
	plot, _ := sharePlot(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		for len(data) > 0 {
			payload := data[:min(8, len(data))]
			data = data[len(payload):]
			piece, err := plot.Borrow(payload)
			if err != nil {
				if !isProtocolError(err) || piece != nil {
					t.Fatalf("%d bytes, %v", len(piece), err)
				}
				continue
			}
			if len(piece) == 0 || len(piece) > AreaWindow || cap(piece) != len(piece) {
				t.Fatalf("a piece of %d bytes, cap %d", len(piece), cap(piece))
			}
			piece[0], piece[len(piece)-1] = 1, 1 // it is mapped
			plot.Return(len(piece))
		}
	})
}

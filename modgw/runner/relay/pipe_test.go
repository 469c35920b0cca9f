package relay

import (
	"io"
	"testing"
	"testing/synctest"
)

func TestPipeWaitsForItsReaderAndThrowsAwayWhatNobodyWants(t *testing.T) {
	p := NewPipe(0)
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		for range 4 {
			_, _ = p.Write(make([]byte, pipeSize))
		}
		p.End(io.EOF)
	}()
	first := make([]byte, 10)
	if n, err := io.ReadFull(p, first); n != 10 || err != nil {
		t.Fatal(n, err)
	}
	select {
	case <-wrote:
		t.Error("it takes more than it may")
	default:
	}
	p.Cut(ErrClientGone)
	<-wrote
	if _, err := p.Read(first); err != ErrClientGone {
		t.Error(err)
	}
}

func TestPipeCountsTheTimeThatItsReaderWaits(t *testing.T) {
	p := NewPipe(1)
	if _, err := p.Read(make([]byte, 1)); err != ErrOverdue {
		t.Error(err)
	}
	p = NewPipe(1)
	_, _ = p.Write([]byte("there"))
	if n, err := p.Read(make([]byte, 9)); n != 5 || err != nil {
		t.Error(n, err)
	}
}

// fullPipe returns a pipe with a writer that waits for room, and a channel that closes when the
// writer has ended.
func fullPipe() (p *Pipe, wrote chan struct{}) {
	p, wrote = NewPipe(0), make(chan struct{})
	go func() {
		defer close(wrote)
		_, _ = p.Write(make([]byte, pipeSize))
		_, _ = p.Write([]byte("more"))
	}()
	synctest.Wait()
	return p, wrote
}

func TestReadingMakesRoomForAWriterThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, wrote := fullPipe()
		if n, err := io.ReadFull(p, make([]byte, pipeSize)); n != pipeSize || err != nil {
			t.Fatal(n, err)
		}
		synctest.Wait()
		select {
		case <-wrote:
		default:
			t.Error("the writer still waits")
			p.Cut(io.EOF)
		}
	})
}

func TestCutPipeLetsAWriterGoThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, wrote := fullPipe()
		p.Cut(ErrClientGone)
		synctest.Wait()
		select {
		case <-wrote:
		default:
			t.Error("the writer still waits")
			notify(p.room)
		}
	})
}

// TestPipeKeepsWhatIsWrittenInOrder writes and reads pieces of lengths that are no multiples of
// each other, so that unread data is moved in the buffer.
func TestPipeKeepsWhatIsWrittenInOrder(t *testing.T) {
	p := NewPipe(0)
	var written, read byte
	piece := make([]byte, 1000)
	for range 5000 {
		for i := range piece {
			piece[i], written = written, written+1
		}
		_, _ = p.Write(piece)
		got := make([]byte, 990)
		if !p.Ready() {
			t.Fatal("there is nothing to read")
		}
		n, err := p.Read(got)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range got[:n] {
			if b != read {
				t.Fatalf("read %d, want %d", b, read)
			}
			read++
		}
	}
}

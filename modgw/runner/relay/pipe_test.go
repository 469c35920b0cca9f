package relay

import (
	"io"
	"testing"
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

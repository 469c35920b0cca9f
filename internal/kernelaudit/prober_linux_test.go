package kernelaudit

import (
	"testing"
	"time"
)

func TestProberAsksTheKernelSeldom(t *testing.T) {
	asked := 0
	p := &Prober{probe: func() Means {
		asked++
		return []Means{Nothing, Calls, All}[asked]
	}}
	for range 3 {
		if got := p.Means(); got != Calls || asked != 1 {
			t.Errorf("%v after %d questions", got, asked)
		}
	}
	p.until = time.Now() // the answer is too old
	for range 3 {
		if got := p.Means(); got != All || asked != 2 {
			t.Errorf("%v after %d questions", got, asked)
		}
	}
}

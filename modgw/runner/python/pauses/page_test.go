package pauses

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// written returns the memory of a worker that has measured two garbage collections, and no waits.
func written() []byte {
	memory := make([]byte, Size)
	binary.LittleEndian.PutUint64(memory, magic)
	set(memory, firstWord, 1)
	set(memory, firstWord+1, math.Float64bits(0.75))
	set(memory, firstWord+2, math.Float64bits(0.5))
	set(memory, firstWord+bucketsAt+5, 1)
	set(memory, firstWord+bucketsAt+7, 1)
	return memory
}

func set(memory []byte, index int, value uint64) {
	binary.LittleEndian.PutUint64(memory[8*index:], value)
}

func open(t *testing.T, memory []byte) *Page {
	t.Helper()
	path := filepath.Join(t.TempDir(), "memory")
	if err := os.WriteFile(path, memory, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return New(f)
}

func TestPausesAreReadUntilThePageIsClosed(t *testing.T) {
	p := open(t, written())
	s := p.Read()
	if s == nil || s.GC == nil || s.GIL != nil || s.Loop != nil {
		t.Fatalf("%+v", s)
	}
	if s.GC.Count != 2 || s.GC.Seconds != 0.75 || s.GC.Longest != 0.5 || s.GC.Beyond(4) != 2 || s.GC.Beyond(5) != 1 {
		t.Errorf("%+v", s.GC)
	}
	p.Close()
	p.Close()
	if s := p.Read(); s != nil {
		t.Errorf("a closed page has %+v", s)
	}
	var none *Page
	none.Close()
	if none.Read() != nil {
		t.Error("no page has pauses")
	}
}

func TestMemoryThatNoHonestWorkerWritesIsLeftOut(t *testing.T) {
	for name, harm := range map[string]func(memory []byte){
		"no magic number": func(m []byte) { set(m, 0, 7) },
		"not measured":    func(m []byte) { set(m, firstWord, 2) },
		"seconds below 0": func(m []byte) { set(m, firstWord+1, math.Float64bits(-1)) },
		"no number":       func(m []byte) { set(m, firstWord+1, math.Float64bits(math.NaN())) },
		"endless":         func(m []byte) { set(m, firstWord+2, math.Float64bits(math.Inf(1))) },
		"count overflows": func(m []byte) { set(m, firstWord+bucketsAt, math.MaxUint64) },
		"written at random": func(m []byte) {
			for i := range m[8*firstWord:] {
				m[8*firstWord+i] = byte(rand.Uint32()) | 0x80
			}
		},
	} {
		memory := written()
		harm(memory)
		if s := decode(memory); s != nil && s.GC != nil {
			t.Errorf("%s: %+v", name, s.GC)
		}
	}
	if s := open(t, written()[:100]).Read(); s != nil {
		t.Errorf("memory that was cut off has %+v", s)
	}
}

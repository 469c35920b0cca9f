package python

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// writtenPauses returns the memory of a worker that has measured two garbage collections, and no
// waits.
func writtenPauses() []byte {
	memory := make([]byte, pausesSize)
	binary.LittleEndian.PutUint64(memory, pausesMagic)
	setWord(memory, firstWord, 1)
	setWord(memory, firstWord+1, math.Float64bits(0.75))
	setWord(memory, firstWord+2, math.Float64bits(0.5))
	setWord(memory, firstWord+bucketsAt+5, 1)
	setWord(memory, firstWord+bucketsAt+7, 1)
	return memory
}

func setWord(memory []byte, index int, value uint64) {
	binary.LittleEndian.PutUint64(memory[8*index:], value)
}

func openPauses(t *testing.T, memory []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "memory")
	if err := os.WriteFile(path, memory, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestPausesAreReadUntilThePageIsClosed(t *testing.T) {
	p := openPauses(t, writtenPauses())
	s := readPauses(p)
	if s == nil || s.GC == nil || s.GIL != nil || s.Loop != nil {
		t.Fatalf("%+v", s)
	}
	if s.GC.Count != 2 || s.GC.Seconds != 0.75 || s.GC.Longest != 0.5 || s.GC.Beyond(4) != 2 || s.GC.Beyond(5) != 1 {
		t.Errorf("%+v", s.GC)
	}
	p.Close()
	p.Close()
	if s := readPauses(p); s != nil {
		t.Errorf("a closed page has %+v", s)
	}
	var none *os.File
	none.Close()
	if readPauses(none) != nil {
		t.Error("no page has pauses")
	}
}

func TestMemoryThatNoHonestWorkerWritesIsLeftOut(t *testing.T) {
	for name, harm := range map[string]func(memory []byte){
		"no magic number": func(m []byte) { setWord(m, 0, 7) },
		"not measured":    func(m []byte) { setWord(m, firstWord, 2) },
		"seconds below 0": func(m []byte) { setWord(m, firstWord+1, math.Float64bits(-1)) },
		"no number":       func(m []byte) { setWord(m, firstWord+1, math.Float64bits(math.NaN())) },
		"endless":         func(m []byte) { setWord(m, firstWord+2, math.Float64bits(math.Inf(1))) },
		"count overflows": func(m []byte) { setWord(m, firstWord+bucketsAt, math.MaxUint64) },
		"written at random": func(m []byte) {
			for i := range m[8*firstWord:] {
				m[8*firstWord+i] = byte(rand.Uint32()) | 0x80
			}
		},
	} {
		memory := writtenPauses()
		harm(memory)
		if s := decodePauses(memory); s != nil && s.GC != nil {
			t.Errorf("%s: %+v", name, s.GC)
		}
	}
	if s := readPauses(openPauses(t, writtenPauses()[:100])); s != nil {
		t.Errorf("memory that was cut off has %+v", s)
	}
}

package wire

import (
	"io"
	"testing"
)

func BenchmarkFrames(b *testing.B) {
	for name, size := range map[string]int{"short": 600, "long": 64 << 10} {
		b.Run(name, func(b *testing.B) {
			mine, theirs, err := Pair()
			if err != nil {
				b.Fatal(err)
			}
			defer theirs.Close()
			defer mine.Close()
			// echoes all data until the connection ends
			go func() { _, _ = io.Copy(theirs, theirs) }()
			out, in := &Writer{conn: mine}, NewReader(mine)
			f := Frame{Type: Body, Stream: 1, Payload: make([]byte, size)}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if err := out.Write(func(b []byte) []byte { return AppendFrame(b, f) }); err != nil {
					b.Fatal(err)
				}
				if _, err := in.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecodeHead(b *testing.B) {
	head := AppendTuple(nil, 3)
	head = AppendText(AppendInt(head, 200), "OK")
	head = AppendList(head, 3)
	for range 3 {
		head = AppendText(AppendText(AppendTuple(head, 2), "Content-Type"), "text/html; charset=utf-8")
	}
	in := string(head)
	b.ReportAllocs()
	for b.Loop() {
		d := NewDecoder(in)
		d.Skip()
		if err := d.Finish(); err != nil {
			b.Fatal(err)
		}
	}
}

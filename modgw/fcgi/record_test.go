package fcgi

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRecordsOnTheWire(t *testing.T) {
	for name, c := range map[string]struct{ got, want []byte }{
		"begin":        {AppendBegin(nil, 1, Begin{Role: RoleResponder, KeepConn: true}), []byte{1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0}},
		"end":          {AppendEnd(nil, 258, End{AppStatus: 3, Protocol: UnknownRole}), []byte{1, 3, 1, 2, 0, 8, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0}},
		"unknown type": {AppendUnknownType(nil, 99), []byte{1, 11, 0, 0, 0, 8, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0}},
		"empty":        {AppendRecord(nil, TypeStdin, 1, nil), []byte{1, 5, 0, 1, 0, 0, 0, 0}},
		"content":      {AppendRecord(nil, TypeStdout, 1, []byte("hello")), []byte{1, 6, 0, 1, 0, 5, 0, 0, 'h', 'e', 'l', 'l', 'o'}},
		"short pair":   {AppendPair(nil, "A", "bc"), []byte{1, 2, 'A', 'b', 'c'}},
		"long value":   {AppendPair(nil, "A", strings.Repeat("b", 128))[:6], []byte{1, 0x80, 0, 0, 128, 'A'}},
		"empty pair":   {AppendPair(nil, "", ""), []byte{0, 0}},
	} {
		if !bytes.Equal(c.got, c.want) {
			t.Errorf("%s: % x, want % x", name, c.got, c.want)
		}
	}
}

// P7: unused bytes are zero, whatever the memory contained before, and there is no padding.
func TestP7NoRecordHasBytesOfMemoryThatWasUsedBefore(t *testing.T) {
	for name, appendTo := range map[string]func(dst []byte) []byte{
		"begin":        func(b []byte) []byte { return AppendBegin(b, 1, Begin{Role: RoleResponder, KeepConn: true}) },
		"end":          func(b []byte) []byte { return AppendEnd(b, 1, End{AppStatus: 3, Protocol: UnknownRole}) },
		"unknown type": func(b []byte) []byte { return AppendUnknownType(b, 99) },
		"stream":       func(b []byte) []byte { return AppendStream(b, TypeStdout, 1, []byte("hello")) },
		"header": func(b []byte) []byte {
			b = b[:HeaderLen]
			Header{Type: TypeStdout, ID: 1, Content: 5}.Put(b)
			return b
		},
	} {
		used := bytes.Repeat([]byte{0xff}, 256)
		got, want := appendTo(used[:0]), appendTo(make([]byte, 0, 256))
		if !bytes.Equal(got, want) || bytes.IndexByte(got, 0xff) >= 0 || got[6] != 0 {
			t.Errorf("%s: % x, want % x", name, got, want)
		}
	}
}

// TestReadyReadsNothing has a source that must not be read.
func TestReadyReadsNothing(t *testing.T) {
	all := AppendBegin(nil, 1, Begin{Role: RoleResponder})
	all = AppendStream(all, TypeStdin, 1, bytes.Repeat([]byte("body"), 100))
	all = AppendRecord(all, TypeStdin, 1, nil)
	for length := range len(all) {
		var r Reader
		r.Reset(iotest.ErrReader(errors.New("it was read")), bytes.Clone(all), length)
		for r.Ready() {
			if r.Left() == 0 {
				if _, err := r.Next(); err != nil {
					t.Fatalf("%d bytes: %v", length, err)
				}
			}
			if _, err := r.Piece(); err != nil {
				t.Fatalf("%d bytes: %v", length, err)
			}
		}
	}
}

// P5: no length is ever cut to 16 bits.
func TestLongStreamsAreSeveralRecords(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 20000)
	var r Reader
	r.Reset(bytes.NewReader(AppendStream(nil, TypeStdin, 1, content)), make([]byte, 4096), 0)
	var got []byte
	for left := len(content); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Content != min(left, MaxContent) {
			t.Errorf("a record of %d bytes, with %d to come", h.Content, left)
		}
		left -= h.Content
		piece, _ := io.ReadAll(&r)
		got = append(got, piece...)
	}
	if !bytes.Equal(got, content) {
		t.Errorf("%d bytes came back of %d", len(got), len(content))
	}
	defer func() {
		if recover() == nil {
			t.Error("a record longer than there can be was made")
		}
	}()
	AppendRecord(nil, TypeStdin, 1, make([]byte, MaxContent+1))
}

// sample has every kind of record, with and without padding and content.
func sample() []byte {
	b := AppendBegin(nil, 1, Begin{Role: RoleResponder})
	b = AppendRecord(b, TypeParams, 1, AppendPair(nil, "NAME", "value"))
	b = AppendRecord(b, TypeParams, 1, nil)
	b = append(b, 1, byte(TypeStdin), 0, 1, 0, 3, 200, 0)
	b = append(append(b, "abc"...), bytes.Repeat([]byte{1}, 200)...)
	return AppendRecord(b, TypeStdin, 1, nil)
}

func readAll(src io.Reader, size int) (records []string, err error) {
	var r Reader
	r.Reset(src, make([]byte, size), 0)
	for {
		h, err := r.Next()
		if err != nil {
			return records, err
		}
		var content []byte
		for r.Left() > 0 {
			piece, err := r.Piece()
			if err != nil {
				return records, err
			}
			content = append(content, piece...)
		}
		records = append(records, string(rune('0'+h.Type))+string(content))
	}
}

func TestReaderReadsThroughAnyBuffer(t *testing.T) {
	want, err := readAll(bytes.NewReader(sample()), 1<<16)
	if err != io.EOF || len(want) != 5 || want[3] != "5abc" {
		t.Fatalf("%q, %v", want, err)
	}
	for _, size := range []int{HeaderLen, 9, 13, 64, 211} {
		for name, src := range map[string]io.Reader{
			"whole":    bytes.NewReader(sample()),
			"byte":     iotest.OneByteReader(bytes.NewReader(sample())),
			"data+EOF": iotest.DataErrReader(bytes.NewReader(sample())),
		} {
			got, err := readAll(src, size)
			if err != io.EOF || strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("buffer of %d, %s: %q, %v", size, name, got, err)
			}
		}
	}
}

// splitting is a source that can fill two pieces at once, with a limited number of bytes.
type splitting struct {
	left []byte
	most int
}

func (s *splitting) Read(p []byte) (int, error) { return s.ReadTwo(p, nil) }

func (s *splitting) ReadTwo(p, more []byte) (int, error) {
	if len(s.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.left[:min(len(s.left), s.most)])
	n += copy(more, s.left[n:min(len(s.left), max(n, s.most))])
	s.left = s.left[n:]
	return n, nil
}

func TestContentIsReadStraightToWhereItIsWanted(t *testing.T) {
	want := bytes.Repeat([]byte("body"), 3000)
	for _, records := range []int{1, 5, 1000, 12000} {
		for _, most := range []int{1, 9, 1500, 1 << 20} {
			src := &splitting{most: most}
			for rest := want; len(rest) > 0; rest = rest[min(records, len(rest)):] {
				src.left = AppendRecord(src.left, TypeStdin, 1, rest[:min(records, len(rest))])
			}
			var r Reader
			r.Reset(src, make([]byte, 64), 0)
			var got []byte
			for {
				if _, err := r.Next(); err == io.EOF {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				content, err := io.ReadAll(&r)
				if got = append(got, content...); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(got, want) {
				t.Errorf("records of %d, reads of %d: %d bytes", records, most, len(got))
			}
		}
	}
}

func TestReaderTruncatedAtEveryByte(t *testing.T) {
	whole := sample()
	ends := map[int]bool{0: true}
	for n, b := 0, whole; len(b) > 0; {
		h, err := ParseHeader(b)
		if err != nil {
			t.Fatal(err)
		}
		size := HeaderLen + h.Content + h.Padding
		n, b = n+size, b[size:]
		ends[n] = true
	}
	for n := range len(whole) + 1 {
		_, err := readAll(bytes.NewReader(whole[:n]), 32)
		want := io.ErrUnexpectedEOF
		if ends[n] {
			want = io.EOF
		}
		if err != want {
			t.Errorf("%d bytes: %v, want %v", n, err, want)
		}
	}
}

func TestReaderGoesOnAfterAnInterruption(t *testing.T) {
	whole := sample()
	var r Reader
	src := &interrupted{data: whole}
	r.Reset(src, make([]byte, 64), 0)
	records := 0
	for {
		_, err := r.Next()
		if err == iotest.ErrTimeout {
			continue
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		records++
	}
	if records != 5 {
		t.Errorf("%d records", records)
	}
}

// interrupted returns a byte and an error alternately.
type interrupted struct {
	data []byte
	turn bool
}

func (r *interrupted) Read(p []byte) (int, error) {
	if r.turn = !r.turn; r.turn {
		return 0, iotest.ErrTimeout
	}
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	p[0] = r.data[0]
	r.data = r.data[1:]
	return 1, nil
}

func TestOtherVersionsAreRefused(t *testing.T) {
	if _, err := readAll(strings.NewReader("GET / HTTP/1.1\r\n\r\n"), 64); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
}

// P3: lengths that wrap, exceed their stream, or are cut off.
func TestBadPairs(t *testing.T) {
	for in, want := range map[string]error{
		"\x01\x02Abc":                       nil,
		"\x00\x00":                          nil,
		"\x01":                              ErrPair,
		"\x01\x80\x00":                      ErrPair,
		"\x01\x03Abc":                       ErrPair,
		"\xff\xff\xff\xff\xff\xff\xff\xff":  ErrPair,
		"\x7f\xff\xff\xff":                  ErrPair,
		"\x80\x00\x00\x01\x80\x00\x00\x00A": nil,
		strings.Repeat("\x00\x00", 3):       nil,
	} {
		if err := EachPair(in, func(_, _ string) {}); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", in, err, want)
		}
	}
}

func FuzzPairs(f *testing.F) {
	f.Add([]byte("\x01\x02Abc"))
	f.Add(AppendPair(nil, strings.Repeat("N", 200), strings.Repeat("v", 70000)))
	f.Fuzz(func(t *testing.T, in []byte) {
		var again []byte
		err := EachPair(string(in), func(name, value string) { again = AppendPair(again, name, value) })
		if err == nil {
			var n int
			if err := EachPair(string(again), func(_, _ string) { n++ }); err != nil {
				t.Fatalf("what was encoded cannot be decoded: %v", err)
			}
			if len(again) > len(in) {
				t.Fatalf("%d bytes became %d", len(in), len(again))
			}
		}
		Values{MaxConns: 1, MaxReqs: 1}.Answer(string(in))
	})
}

func FuzzReader(f *testing.F) {
	f.Add(sample(), 16)
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), 8)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		want, wantErr := readAll(bytes.NewReader(in), 1<<17)
		got, err := readAll(iotest.HalfReader(bytes.NewReader(in)), HeaderLen+int(uint8(size)))
		if strings.Join(got, "|") != strings.Join(want, "|") || (err == io.EOF) != (wantErr == io.EOF) {
			t.Fatalf("%q, %v with a small buffer; %q, %v with a large one", got, err, want, wantErr)
		}
	})
}

func TestDecodingAllocatesNothing(t *testing.T) {
	in := sample()
	params := string(AppendPair(AppendPair(nil, "A", "b"), "CONTENT_LENGTH", "5"))
	src := bytes.NewReader(in)
	buf := make([]byte, 256)
	var r Reader
	each := func(name, value string) {}
	n := testing.AllocsPerRun(100, func() {
		src.Reset(in)
		r.Reset(src, buf, 0)
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
		if EachPair(params, each) != nil {
			panic("cannot decode")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

package wire

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// maxDepth is the deepest nesting of a value that is skipped.
const maxDepth = 16

// Decoder reads one value of Python's marshal format, version 2, piece by piece: the caller asks
// for the type it expects and gets an error for anything else. It allocates only strings that need
// another encoding; all others are parts of the input. After the first error every further call
// returns it.
type Decoder struct {
	in  string
	err error
}

// NewDecoder returns a Decoder that reads from in.
func NewDecoder(in string) *Decoder { return &Decoder{in: in} }

// Err is the first error.
func (d *Decoder) Err() error { return d.err }

// Finish is the first error, or an error when input is left.
func (d *Decoder) Finish() error {
	if d.err == nil && d.in != "" {
		d.fail("%d bytes after the value", len(d.in))
	}
	return d.err
}

// Tuple reads the beginning of a tuple and returns how many values follow; each takes at least one
// byte, so that the number never exceeds the length of the input.
func (d *Decoder) Tuple() int { return d.sequence(codeTuple, "a tuple") }

// List reads the beginning of a list and returns how many values follow.
func (d *Decoder) List() int { return d.sequence(codeList, "a list") }

// Dict reads a dict whose keys are str. For each of them it calls value, which must read exactly
// one value.
func (d *Decoder) Dict(value func(key string)) {
	d.expect(codeDict, "a dict")
	for d.err == nil && d.peek() != codeDictEnd {
		key := d.Text()
		if d.err == nil {
			value(key)
		}
	}
	d.take(1)
}

// fields reads a dict and stores the values of its keys where they belong: in a *string, an *int or
// a *bool. Other keys are skipped.
func (d *Decoder) fields(places map[string]any) {
	d.Dict(func(key string) {
		switch place := places[key].(type) {
		case *string:
			*place = d.Text()
		case *int:
			*place = int(d.Int())
		case *bool:
			*place = d.Bool()
		default:
			d.Skip()
		}
	})
}

// decodeDict reads a payload that is a dict, as fields does.
func decodeDict(payload []byte, places map[string]any) error {
	d := NewDecoder(string(payload))
	d.fields(places)
	return d.Finish()
}

// IsInt reports whether a value in Python's marshal format is an int of no more than 64 bits.
func IsInt(payload []byte) bool { return payload[0] == codeInt32 || payload[0] == codeInt64 }

// Int reads an int.
func (d *Decoder) Int() int64 {
	switch code := d.code(); code {
	case codeInt32:
		return int64(int32(d.uint32()))
	case codeInt64:
		if raw := d.take(8); raw != "" {
			return int64(binary.LittleEndian.Uint64([]byte(raw)))
		}
		return 0
	case codeLong:
		return d.long()
	default:
		return int64(d.unexpected(code, "an int"))
	}
}

// Bool reads True or False.
func (d *Decoder) Bool() bool {
	switch code := d.code(); code {
	case codeTrue:
		return true
	case codeFalse:
	default:
		d.unexpected(code, "a bool")
	}
	return false
}

// Text reads a str, as UTF-8. Lone surrogates, which only Python's str has, become U+FFFD.
func (d *Decoder) Text() string {
	raw := d.str()
	if utf8.ValidString(raw) {
		return raw
	}
	return string([]rune(raw))
}

// Latin1 reads a str whose characters are all below U+0100, or bytes, and returns one byte for each
// of them.
func (d *Decoder) Latin1() string {
	if d.peek() == codeBytes {
		d.take(1)
		return d.sized()
	}
	raw := d.str()
	for i := range len(raw) {
		if raw[i] >= utf8.RuneSelf {
			return d.latin1Slow(raw)
		}
	}
	return raw
}

// Skip reads any value and forgets it.
func (d *Decoder) Skip() { d.skip(0) }

func (d *Decoder) latin1Slow(raw string) string {
	b := make([]byte, 0, len(raw))
	for _, r := range raw {
		if r > 0xff {
			d.fail("character %q is not latin-1", r)
			return ""
		}
		b = append(b, byte(r))
	}
	return string(b)
}

func (d *Decoder) str() string {
	d.expect(codeStr, "a str")
	return d.sized()
}

// long reads digits of 15 bits, least significant first.
func (d *Decoder) long() int64 {
	digits := int32(d.uint32())
	negative := digits < 0
	if negative {
		digits = -digits
	}
	if digits < 0 || digits > 5 {
		d.fail("an int of %d digits", digits)
		return 0
	}
	var v uint64
	for i := range digits {
		raw := d.take(2)
		if raw == "" {
			return 0
		}
		digit := uint64(raw[0]) | uint64(raw[1])<<8
		if digit > 0x7fff || i == 4 && digit > 15 {
			d.fail("an int with the digit %d", digit)
			return 0
		}
		v |= digit << (15 * i)
	}
	switch {
	case negative && v <= 1<<63:
		return -int64(v)
	case !negative && v <= math.MaxInt64:
		return int64(v)
	}
	d.fail("an int beyond 64 bits")
	return 0
}

func (d *Decoder) skip(depth int) {
	if depth > maxDepth {
		d.fail("values nested more than %d deep", maxDepth)
		return
	}
	switch d.peek() {
	case codeNone, codeTrue, codeFalse:
		d.take(1)
	case codeInt32, codeInt64, codeLong:
		d.Int()
	case codeBytes, codeStr:
		d.take(1)
		d.sized()
	case codeTuple, codeList:
		d.take(1)
		for range d.length() {
			if d.err != nil {
				return
			}
			d.skip(depth + 1)
		}
	case codeDict:
		d.take(1)
		for d.err == nil && d.peek() != codeDictEnd {
			d.skip(depth + 1)
			d.skip(depth + 1)
		}
		d.take(1)
	default:
		d.unexpected(d.code(), "a value")
	}
}

func (d *Decoder) sequence(code byte, want string) int {
	d.expect(code, want)
	return d.length()
}

// length reads how many values follow.
func (d *Decoder) length() int {
	n := d.uint32()
	if uint64(n) > uint64(len(d.in)) {
		d.fail("%d values in %d bytes", n, len(d.in))
		return 0
	}
	return int(n)
}

// sized reads a length and so many bytes.
func (d *Decoder) sized() string {
	n := d.uint32()
	if uint64(n) > uint64(len(d.in)) {
		d.fail("a string of %d bytes where %d are left", n, len(d.in))
		return ""
	}
	return d.take(int(n))
}

func (d *Decoder) uint32() uint32 {
	raw := d.take(4)
	if raw == "" {
		return 0
	}
	return uint32(raw[0]) | uint32(raw[1])<<8 | uint32(raw[2])<<16 | uint32(raw[3])<<24
}

func (d *Decoder) expect(code byte, want string) {
	if got := d.code(); got != code {
		d.unexpected(got, want)
	}
}

func (d *Decoder) code() byte {
	raw := d.take(1)
	if raw == "" {
		return 0
	}
	return raw[0]
}

// peek is the code of the next value; 0 when there is none.
func (d *Decoder) peek() byte {
	if d.err != nil || d.in == "" {
		return 0
	}
	return d.in[0]
}

// take removes n bytes from the input; it returns "" after an error.
func (d *Decoder) take(n int) string {
	if d.err == nil && len(d.in) < n {
		d.fail("the value ends too early")
	}
	if d.err != nil {
		return ""
	}
	raw := d.in[:n]
	d.in = d.in[n:]
	return raw
}

func (d *Decoder) unexpected(code byte, want string) int {
	d.fail("marshal code %q where %s belongs", rune(code), want)
	return 0
}

func (d *Decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = Errorf(format, args...)
	}
}

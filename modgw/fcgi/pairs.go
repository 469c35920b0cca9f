package fcgi

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrPair is wrapped by every error about name-value pairs that end in mid-air.
var ErrPair = errors.New("name-value pair longer than its stream")

// ErrLimit is wrapped by every error about name-value pairs that exceed a limit.
var ErrLimit = errors.New("limit exceeded")

// Limits bound the name-value pairs of one stream. Zero values mean the defaults, which are in the
// comments.
type Limits struct {
	Name  int // bytes of one name; 256
	Value int // bytes of one value; 64 KiB
	Total int // bytes of the whole stream; 1 MiB
	Count int // pairs; 4096
}

// WithDefaults is l with every zero filled in.
func (l Limits) WithDefaults() Limits {
	fill := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	fill(&l.Name, 256)
	fill(&l.Value, 64<<10)
	fill(&l.Total, 1<<20)
	fill(&l.Count, 4096)
	return l
}

// EachPair calls f for the name-value pairs of a whole stream, in order, until f or the stream is
// at its end or a limit is exceeded. Names and values are parts of s: nothing is copied. l must
// have its defaults filled in.
func (l Limits) EachPair(s string, f func(name, value string) error) error {
	if len(s) > l.Total {
		return fmt.Errorf("%w: %d bytes of parameters, at most %d are read", ErrLimit, len(s), l.Total)
	}
	for count := 1; s != ""; count++ {
		if count > l.Count {
			return fmt.Errorf("%w: more than %d parameters", ErrLimit, l.Count)
		}
		name, value, rest, err := l.cutPair(s)
		if err != nil {
			return err
		}
		if err := f(name, value); err != nil {
			return err
		}
		s = rest
	}
	return nil
}

// cutPair takes the first pair off s. Lengths stay in uint64 until they are known to be small.
func (l Limits) cutPair(s string) (name, value, rest string, err error) {
	nameLen, s, err := cutLength(s)
	if err != nil {
		return "", "", "", err
	}
	valueLen, s, err := cutLength(s)
	switch {
	case err != nil:
		return "", "", "", err
	case nameLen > uint64(l.Name):
		return "", "", "", fmt.Errorf("%w: a name of %d bytes, at most %d are read", ErrLimit, nameLen, l.Name)
	case valueLen > uint64(l.Value):
		return "", "", "", fmt.Errorf("%w: a value of %d bytes, at most %d are read", ErrLimit, valueLen, l.Value)
	case nameLen+valueLen > uint64(len(s)):
		return "", "", "", fmt.Errorf("%w: %d bytes announced, %d left", ErrPair, nameLen+valueLen, len(s))
	}
	return s[:nameLen], s[nameLen : nameLen+valueLen], s[nameLen+valueLen:], nil
}

// cutLength takes a length of one or four bytes off s (section 3.4).
func cutLength(s string) (n uint64, rest string, err error) {
	if s == "" {
		return 0, "", fmt.Errorf("%w: no length", ErrPair)
	}
	if s[0] < 0x80 {
		return uint64(s[0]), s[1:], nil
	}
	if len(s) < 4 {
		return 0, "", fmt.Errorf("%w: %d bytes of a four-byte length", ErrPair, len(s))
	}
	return uint64(s[0]&0x7f)<<24 | uint64(s[1])<<16 | uint64(s[2])<<8 | uint64(s[3]), s[4:], nil
}

// AppendPair appends one name-value pair to dst. Neither name nor value may be longer than 2 GiB -
// 1.
func AppendPair(dst []byte, name, value string) []byte {
	dst = appendLength(dst, len(name))
	dst = appendLength(dst, len(value))
	dst = append(dst, name...)
	return append(dst, value...)
}

func appendLength(dst []byte, n int) []byte {
	if n < 0x80 {
		return append(dst, byte(n))
	}
	return binary.BigEndian.AppendUint32(dst, uint32(n)|1<<31)
}

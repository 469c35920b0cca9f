package fcgi

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrPair is wrapped by every error about name-value pairs that end in mid-air.
var ErrPair = errors.New("name-value pair longer than its stream")

// EachPair calls f for the name-value pairs of a whole stream, in order. Names and values are parts
// of s: nothing is copied.
func EachPair(s string, f func(name, value string)) error {
	for s != "" {
		name, value, rest, err := cutPair(s)
		if err != nil {
			return err
		}
		f(name, value)
		s = rest
	}
	return nil
}

// cutPair takes the first pair off s. Lengths stay in uint64 until they are known to be small.
func cutPair(s string) (name, value, rest string, err error) {
	nameLen, s, err := cutLength(s)
	if err != nil {
		return "", "", "", err
	}
	valueLen, s, err := cutLength(s)
	if err != nil {
		return "", "", "", err
	}
	if nameLen+valueLen > uint64(len(s)) {
		return "", "", "", fmt.Errorf("%w: %d bytes announced, %d left", ErrPair, nameLen+valueLen, len(s))
	}
	return s[:nameLen], s[nameLen : nameLen+valueLen], s[nameLen+valueLen:], nil
}

// cutLength removes a length of one or four bytes from the beginning of s (section 3.4).
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

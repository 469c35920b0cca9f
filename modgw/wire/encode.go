package wire

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// The type codes of Python's marshal format, version 2.
const (
	codeNone    = 'N'
	codeTrue    = 'T'
	codeFalse   = 'F'
	codeInt32   = 'i'
	codeInt64   = 'I' // PyPy writes it; CPython reads it and writes codeLong instead
	codeLong    = 'l' // digits of 15 bits
	codeBytes   = 's'
	codeStr     = 'u' // UTF-8
	codeTuple   = '('
	codeList    = '['
	codeDict    = '{'
	codeDictEnd = '0'
)

// AppendNone appends None.
func AppendNone(b []byte) []byte { return append(b, codeNone) }

// AppendBool appends True or False.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, codeTrue)
	}
	return append(b, codeFalse)
}

// AppendInt appends an int.
func AppendInt(b []byte, v int64) []byte {
	if v >= math.MinInt32 && v <= math.MaxInt32 {
		return binary.LittleEndian.AppendUint32(append(b, codeInt32), uint32(int32(v)))
	}
	negative, magnitude := v < 0, uint64(v)
	if negative {
		magnitude = -magnitude
	}
	var digits int32
	for m := magnitude; m != 0; m >>= 15 {
		digits++
	}
	if negative {
		digits = -digits
	}
	b = binary.LittleEndian.AppendUint32(append(b, codeLong), uint32(digits))
	for m := magnitude; m != 0; m >>= 15 {
		b = binary.LittleEndian.AppendUint16(b, uint16(m&0x7fff))
	}
	return b
}

// AppendBytes appends bytes.
func AppendBytes[T string | []byte](b []byte, v T) []byte {
	b = binary.LittleEndian.AppendUint32(append(b, codeBytes), uint32(len(v)))
	return append(b, v...)
}

// AppendText appends v as a str. Bytes that are not UTF-8 become U+FFFD.
func AppendText(b []byte, v string) []byte {
	start := len(b)
	b = append(b, codeStr, 0, 0, 0, 0)
	if utf8.ValidString(v) {
		b = append(b, v...)
	} else {
		for _, r := range v {
			b = utf8.AppendRune(b, r)
		}
	}
	binary.LittleEndian.PutUint32(b[start+1:], uint32(len(b)-start-5))
	return b
}

// AppendLatin1 appends a str with one character for each byte of v. PEP 3333 calls that a native
// string.
func AppendLatin1[T string | []byte](b []byte, v T) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(append(b, codeStr), uint32(len(v)))
	for i := range len(v) {
		if v[i] >= utf8.RuneSelf {
			return appendLatin1Slow(append(b, v[:i]...), start, v[i:])
		}
	}
	return append(b, v...)
}

func appendLatin1Slow[T string | []byte](b []byte, start int, rest T) []byte {
	for i := range len(rest) {
		b = utf8.AppendRune(b, rune(rest[i]))
	}
	binary.LittleEndian.PutUint32(b[start+1:], uint32(len(b)-start-5))
	return b
}

// AppendTuple begins a tuple; n values follow.
func AppendTuple(b []byte, n int) []byte {
	return binary.LittleEndian.AppendUint32(append(b, codeTuple), uint32(n))
}

// AppendList begins a list; n values follow.
func AppendList(b []byte, n int) []byte {
	return binary.LittleEndian.AppendUint32(append(b, codeList), uint32(n))
}

// BeginDict begins a dict; keys and values follow in turns, and [EndDict] ends it.
func BeginDict(b []byte) []byte { return append(b, codeDict) }

// EndDict ends the innermost dict.
func EndDict(b []byte) []byte { return append(b, codeDictEnd) }

package fcgi

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Version is the only protocol version there is.
const Version = 1

// Sizes of a record on the wire, in bytes.
const (
	HeaderLen = 8

	// MaxContent is the longest content that a record can have.
	MaxContent = 65535
)

// Type is the type of a record (section 8 of the specification).
type Type uint8

// The record types.
const (
	TypeBegin           Type = 1
	TypeAbort           Type = 2
	TypeEnd             Type = 3
	TypeParams          Type = 4
	TypeStdin           Type = 5
	TypeStdout          Type = 6
	TypeStderr          Type = 7
	TypeData            Type = 8
	TypeGetValues       Type = 9
	TypeGetValuesResult Type = 10
	TypeUnknown         Type = 11
)

// ErrVersion is returned for a record of another version of the protocol, which mostly means that
// the peer does not speak FastCGI at all.
var ErrVersion = errors.New("not a FastCGI 1.0 record")

// Header is the header of a record.
type Header struct {
	Type    Type   // type of the record
	ID      uint16 // the request; 0 in management records
	Content int    // bytes of content, at most MaxContent
	Padding int    // bytes after the content that mean nothing, at most 255
}

// ParseHeader reads a header from the first HeaderLen bytes of b.
func ParseHeader(b []byte) (Header, error) {
	_ = b[HeaderLen-1]
	if b[0] != Version {
		return Header{}, fmt.Errorf("%w: version %d", ErrVersion, b[0])
	}
	return Header{
		Type:    Type(b[1]),
		ID:      binary.BigEndian.Uint16(b[2:]),
		Content: int(binary.BigEndian.Uint16(b[4:])),
		Padding: int(b[6]),
	}, nil
}

// Put writes the header into the first HeaderLen bytes of b.
func (h Header) Put(b []byte) {
	_ = b[HeaderLen-1]
	b[0] = Version
	b[1] = byte(h.Type)
	binary.BigEndian.PutUint16(b[2:], h.ID)
	binary.BigEndian.PutUint16(b[4:], uint16(h.Content))
	b[6] = byte(h.Padding)
	b[7] = 0
}

// AppendRecord appends one record to dst. The content must be at most MaxContent bytes long; longer
// streams are several records. It has no padding: a reader without a buffer, as Apache is, would
// have to read once more for it.
func AppendRecord(dst []byte, t Type, id uint16, content []byte) []byte {
	if len(content) > MaxContent {
		panic(fmt.Sprintf("fcgi: record of %d bytes", len(content)))
	}
	var b [HeaderLen]byte
	Header{Type: t, ID: id, Content: len(content)}.Put(b[:])
	dst = append(dst, b[:]...)
	return append(dst, content...)
}

// AppendStream appends content to dst as as many records as it takes. It does not end the stream:
// an empty record does.
func AppendStream(dst []byte, t Type, id uint16, content []byte) []byte {
	for len(content) > 0 {
		n := min(len(content), MaxContent)
		dst = AppendRecord(dst, t, id, content[:n])
		content = content[n:]
	}
	return dst
}

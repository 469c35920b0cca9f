package fcgi

import "encoding/binary"

// BodyLen is the length of the content of begin, end and unknown-type records.
const BodyLen = 8

// Role is the role that a client asks the application to play for a request.
type Role uint16

// The roles.
const (
	RoleResponder  Role = 1
	RoleAuthorizer Role = 2
	RoleFilter     Role = 3
)

const flagKeepConn = 1

// Begin is the content of a begin record.
type Begin struct {
	Role     Role // role of the application
	KeepConn bool // the client, not the application, closes the connection
}

// ParseBegin reads a begin record's content from the first BodyLen bytes of b.
func ParseBegin(b []byte) Begin {
	_ = b[BodyLen-1]
	return Begin{Role: Role(binary.BigEndian.Uint16(b)), KeepConn: b[2]&flagKeepConn != 0}
}

// AppendBegin appends a begin record to dst.
func AppendBegin(dst []byte, id uint16, begin Begin) []byte {
	var b [BodyLen]byte
	binary.BigEndian.PutUint16(b[:], uint16(begin.Role))
	if begin.KeepConn {
		b[2] = flagKeepConn
	}
	return AppendRecord(dst, TypeBegin, id, b[:])
}

// ProtocolStatus reports whether an application has processed a request.
type ProtocolStatus uint8

// The protocol statuses.
const (
	RequestComplete ProtocolStatus = 0
	CannotMultiplex ProtocolStatus = 1
	Overloaded      ProtocolStatus = 2
	UnknownRole     ProtocolStatus = 3
)

// End is the content of an end record.
type End struct {
	AppStatus uint32         // the exit status of a CGI program
	Protocol  ProtocolStatus // outcome of the request
}

// ParseEnd reads an end record's content from the first BodyLen bytes of b.
func ParseEnd(b []byte) End {
	_ = b[BodyLen-1]
	return End{AppStatus: binary.BigEndian.Uint32(b), Protocol: ProtocolStatus(b[4])}
}

// AppendEnd appends an end record to dst.
func AppendEnd(dst []byte, id uint16, end End) []byte {
	var b [BodyLen]byte
	binary.BigEndian.PutUint32(b[:], end.AppStatus)
	b[4] = byte(end.Protocol)
	return AppendRecord(dst, TypeEnd, id, b[:])
}

// AppendUnknownType appends the answer to a management record of a type that the application does
// not know.
func AppendUnknownType(dst []byte, t Type) []byte {
	b := [BodyLen]byte{byte(t)}
	return AppendRecord(dst, TypeUnknown, 0, b[:])
}

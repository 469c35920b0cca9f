package rawsocket

import (
	"io"

	"golang.org/x/sys/unix"
)

// MaxPieces is the largest number of pieces in one call.
const MaxPieces = 4

// Message has the arguments of one call. It is kept between calls, so that none allocates.
type Message struct {
	header unix.Msghdr
	pieces [MaxPieces]unix.Iovec
}

// Send sends some of the pieces, which are not all empty, and at most so many bytes. It does not
// wait: the error is unix.EAGAIN when the socket has no room.
func (m *Message) Send(fd, most int, pieces ...[]byte) (int, error) {
	m.fill(most, nil, pieces)
	n, err := send(fd, &m.header)
	*m = Message{}
	return n, err
}

// Receive receives into p, which must not be empty, and puts control messages into oob; flags are
// those of recvmsg(2). It does not wait: the error is unix.EAGAIN if nothing is available, and
// io.EOF at the end.
func (m *Message) Receive(fd int, p, oob []byte) (n, oobn, flags int, err error) {
	m.fill(len(p), oob, [][]byte{p})
	n, err = receive(fd, &m.header)
	if n == 0 && err == nil {
		err = io.EOF
	}
	if err == nil {
		oobn, flags = int(m.header.Controllen), int(m.header.Flags)
	}
	*m = Message{}
	return n, oobn, flags, err
}

// fill names the memory that a call moves bytes of.
func (m *Message) fill(most int, oob []byte, pieces [][]byte) {
	count := 0
	for _, p := range pieces {
		if count == MaxPieces || most == 0 {
			break
		}
		if p = p[:min(len(p), most)]; len(p) == 0 {
			continue
		}
		m.pieces[count].Base = &p[0]
		m.pieces[count].SetLen(len(p))
		most -= len(p)
		count++
	}
	m.header = unix.Msghdr{Iov: &m.pieces[0]}
	m.header.SetIovlen(count)
	if len(oob) > 0 {
		m.header.Control = &oob[0]
		m.header.SetControllen(len(oob))
	}
}

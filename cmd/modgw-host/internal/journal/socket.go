package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Path is where the journal listens.
const Path = "/run/systemd/journal/socket"

// Socket sends entries to the journal. Make it with [Dial]. It is for one goroutine at a time.
type Socket struct {
	path string
	conn *net.UnixConn // nil: it must be made again
}

// Dial connects to the journal that listens at a path.
func Dial(path string) (*Socket, error) {
	s := &Socket{path: path}
	return s, s.connect()
}

func (s *Socket) connect() (err error) {
	s.conn, err = net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.path, Net: "unixgram"})
	return err
}

// Close closes the connection.
func (s *Socket) Close() error {
	if s.conn == nil {
		return nil
	}
	return s.conn.Close()
}

// Write implements [io.Writer] for whole lines, each an entry of a [Handler], or a text. It waits
// as long as the journal makes it wait.
func (s *Socket) Write(lines []byte) (written int, err error) {
	for line := range bytes.Lines(lines) {
		if e := parseLine(bytes.TrimSuffix(line, []byte{'\n'})); e != nil {
			if err := s.send(e); err != nil {
				return written, err
			}
		}
		written += len(line)
	}
	return written, nil
}

// send sends an entry, over a new connection when the one there was has failed: the journal may
// have been started again.
func (s *Socket) send(e entry) error {
	message := e.encode()
	if s.conn != nil {
		err := s.sendMessage(message)
		if err == nil {
			return nil
		}
		_ = s.conn.Close() // it has failed
		s.conn = nil
	}
	if err := s.connect(); err != nil {
		return err
	}
	return s.sendMessage(message)
}

// sendMessage sends a message as a datagram, or in a file if it is too long for one.
func (s *Socket) sendMessage(message []byte) error {
	_, err := s.conn.Write(message)
	if errors.Is(err, unix.EMSGSIZE) || errors.Is(err, unix.ENOBUFS) {
		return s.sendFile(message)
	}
	return err
}

// sendFile passes a message in memory that cannot change any more, as the protocol wants it.
func (s *Socket) sendFile(message []byte) error {
	fd, err := unix.MemfdCreate("journal-entry", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return os.NewSyscallError("memfd_create", err)
	}
	file := os.NewFile(uintptr(fd), "journal-entry")
	defer file.Close()
	if _, err := file.Write(message); err != nil {
		return err
	}
	const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(file.Fd(), unix.F_ADD_SEALS, seals); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	return s.sendDescriptor(int(file.Fd()))
}

// sendDescriptor sends a descriptor and nothing else. [net.UnixConn.WriteMsgUnix] refuses
// connections of datagrams.
func (s *Socket) sendDescriptor(fd int) error {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Write(func(socket uintptr) (done bool) {
		failed = unix.Sendmsg(int(socket), nil, unix.UnixRights(fd), nil, 0)
		return !errors.Is(failed, unix.EAGAIN)
	})
	return errors.Join(err, os.NewSyscallError("sendmsg", failed))
}

// encode returns the entry as the journal reads it: a field in a line, or with the length of its
// value in front where that has several lines.
func (e entry) encode() []byte {
	var b []byte
	for _, f := range e {
		name, value := f[0], f[1]
		b = append(b, name...)
		if strings.Contains(value, "\n") {
			b = append(b, '\n')
			b = binary.LittleEndian.AppendUint64(b, uint64(len(value)))
		} else {
			b = append(b, '=')
		}
		b = append(append(b, value...), '\n')
	}
	return b
}

package upgrade

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// maxMessage is the maximum length of a message. A packet can have this length by default
// (socket(7), wmem_default).
const maxMessage = 192 << 10

// link is an end of the socket between the hosts. Any goroutine may send; only one reads.
type link struct {
	conn *net.UnixConn

	sending sync.Mutex
}

// newLink creates the ends of a link; theirs is for the child to inherit.
func newLink() (ours *link, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make a socket for the new host: %w", err)
	}
	theirs = os.NewFile(uintptr(fds[1]), "host")
	if ours, err = linkOf(os.NewFile(uintptr(fds[0]), "host")); err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// linkOf returns a link that uses an end, and closes the end.
func linkOf(end *os.File) (*link, error) {
	defer end.Close()
	conn, err := net.FileConn(end)
	if err != nil {
		return nil, fmt.Errorf("cannot talk to the other host: %w", err)
	}
	packets, ok := conn.(*net.UnixConn)
	if !ok {
		conn.Close()
		return nil, errors.New("cannot talk to the other host: its descriptor is no Unix socket")
	}
	return &link{conn: packets}, nil
}

// maxFiles is the maximum number of files per message (SCM_MAX_FD in the kernel).
const maxFiles = 253

// send sends a message with files, which stay open.
func (l *link) send(m message, files ...*os.File) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(text) > maxMessage {
		return fmt.Errorf("cannot send a message of %d bytes to the other host", len(text))
	}
	if len(files) > maxFiles {
		return fmt.Errorf("cannot send %d descriptors to the other host", len(files))
	}
	var fds []int
	for _, file := range files {
		conn, err := file.SyscallConn()
		if err != nil {
			return err
		}
		// Fd would change the mode of the file.
		if err := conn.Control(func(fd uintptr) { fds = append(fds, int(fd)) }); err != nil {
			return err
		}
	}
	defer runtime.KeepAlive(files)
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	l.sending.Lock()
	defer l.sending.Unlock()
	if _, _, err = l.conn.WriteMsgUnix(text, rights, nil); err != nil {
		return fmt.Errorf("cannot tell the other host %q: %w", m.Kind, err)
	}
	return nil
}

// receive reads a message with its files, which the caller must close. The error is io.EOF if the
// other host has closed its end, or has ended.
func (l *link) receive() (m message, files []*os.File, err error) {
	text, oob := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(4*maxFiles))
	n, oobn, flags, _, err := l.conn.ReadMsgUnix(text, oob)
	switch {
	case errors.Is(err, unix.ECONNRESET):
		return m, nil, io.EOF
	case err != nil:
		return m, nil, err
	case n == 0 && oobn == 0:
		return m, nil, io.EOF
	}
	if files, err = filesIn(oob[:oobn]); err != nil {
		return m, nil, err
	}
	if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		err = errors.New("cannot read a message of the other host: it is too long")
	} else if err = json.Unmarshal(text[:n], &m); err != nil {
		err = fmt.Errorf("cannot read a message of the other host: %w", err)
	}
	if err != nil {
		closeFiles(files)
		files = nil
	}
	return m, files, err
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// filesIn returns the files among control messages, or nil if there are none.
func filesIn(oob []byte) (files []*os.File, err error) {
	if len(oob) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) == 0 {
		return nil, fmt.Errorf("cannot read what came beside a message of the other host: %w", err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) == 0 {
		return nil, fmt.Errorf("cannot read a descriptor of the other host: %w", err)
	}
	for _, fd := range fds {
		files = append(files, os.NewFile(uintptr(fd), "passed"))
	}
	return files, nil
}

// within limits a step: reading and writing fail when ctx is done. end removes the limit.
func (l *link) within(ctx context.Context) (end func()) {
	stop := context.AfterFunc(ctx, func() { _ = l.conn.SetDeadline(time.Unix(1, 0)) })
	return func() {
		stop()
		_ = l.conn.SetDeadline(time.Time{})
	}
}

func (l *link) close() { l.conn.Close() }

package wire

import (
	"errors"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// WriteWithFiles writes a frame, and passes files on with its first byte. It takes at most so long.
func WriteWithFiles(
	conn *net.UnixConn, frame []byte, files []*os.File, timeout time.Duration,
) error {
	var rights []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	if err := conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	n, _, err := conn.WriteMsgUnix(frame, rights, nil)
	if err == nil && n < len(frame) { // the peer may have ended: writing nothing would fail
		_, err = conn.Write(frame[n:])
	}
	return errors.Join(err, conn.SetWriteDeadline(time.Time{}))
}

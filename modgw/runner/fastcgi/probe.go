package fastcgi

import (
	"context"
	"net"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/modgw/fcgi"
)

const (
	// silence is how long a program that has read the query may take to answer. Some never do.
	silence = 300 * time.Millisecond

	// lookInterval is the interval at which a starting program is checked for having read the
	// query.
	lookInterval = 10 * time.Millisecond
)

// valueNames are the values that FCGI_GET_VALUES may ask for.
var valueNames = []string{"FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS"}

// answer is a program's answer to a query.
type answer struct {
	fcgi.Values
	closed bool // it closed the connection instead
}

// ask asks a program for its capabilities (section 4.1). It returns when the program has answered.
// It also returns if the program has accepted the connection and does not answer, as is allowed for
// programs without management records; then nothing is known.
func ask(ctx context.Context, connect func(context.Context) (net.Conn, error)) (answer, error) {
	conn, err := connect(ctx)
	if err != nil {
		return answer{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	var query []byte
	for _, name := range valueNames {
		query = fcgi.AppendPair(query, name, "")
	}
	if _, err := conn.Write(fcgi.AppendRecord(nil, fcgi.TypeGetValues, 0, query)); err != nil {
		return answer{closed: true}, context.Cause(ctx)
	}
	answers := make(chan answer, 1)
	go func() { answers <- hear(conn) }()
	return await(ctx, conn, answers)
}

// await waits for the answer for as long as it may still come, and then some.
func await(ctx context.Context, conn net.Conn, answers <-chan answer) (answer, error) {
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	var enough <-chan time.Time
	for {
		select {
		case a := <-answers:
			return a, context.Cause(ctx)
		case <-enough:
			conn.Close()
			<-answers
			return answer{}, nil
		case <-look.C:
			if wasRead(conn) {
				look.Stop()
				timer := time.NewTimer(silence)
				defer timer.Stop()
				enough = timer.C
			}
		}
	}
}

// wasRead reports whether the other side has read all that was written.
func wasRead(conn net.Conn) bool {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	unread := 0
	controlErr := raw.Control(func(fd uintptr) { unread, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	return controlErr != nil || err != nil || unread == 0
}

// hear reads the answer. Any other input, or the end of the connection, also counts as an answer:
// the program is running.
func hear(conn net.Conn) answer {
	var r fcgi.Reader
	r.Reset(conn, make([]byte, fcgi.HeaderLen+fcgi.MaxContent), 0)
	h, err := r.Next()
	if err != nil || h.Type != fcgi.TypeGetValuesResult || h.ID != 0 {
		return answer{closed: err != nil}
	}
	content := make([]byte, 0, h.Content)
	for r.Left() > 0 {
		piece, err := r.Piece()
		if err != nil {
			return answer{closed: true}
		}
		content = append(content, piece...)
	}
	return answer{Values: parseValues(string(content))}
}

// parseValues parses a program's answer and ignores invalid values.
func parseValues(content string) (v fcgi.Values) {
	_ = fcgi.EachPair(content, func(name, value string) {
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return
		}
		switch name {
		case "FCGI_MAX_CONNS":
			v.MaxConns = int(n)
		case "FCGI_MAX_REQS":
			v.MaxReqs = int(n)
		case "FCGI_MPXS_CONNS":
			v.Mpxs = n == 1
		}
	})
	return v
}

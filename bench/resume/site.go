package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/modgw/modgw/bench/testbed"
)

// app echoes messages with its version in front, and continues counting in events from the last
// one.
const app = `import asyncio

VERSION = b"%d "

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            await send({"type": "websocket.send", "bytes": VERSION + message["bytes"]})
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    n = int(dict(scope["headers"]).get(b"last-event-id", b"0"))
    while True:
        n += 1
        event = b"id: %%d\ndata: %%s\n\n" %% (n, VERSION)
        await send({"type": "http.response.body", "body": event, "more_body": True})
        await asyncio.sleep(0.1)
`

const descriptor = `app "resume" {
  asgi {
    entry   = "app.py"
    workers = %d
    resume  = true
  }
}
`

// site is a host with the app.
type site struct {
	bed  testbed.Bed
	host *testbed.Host
}

// startSite starts the host, and returns when the app answers.
func startSite(ctx context.Context, bed testbed.Bed, workers int) (s *site, err error) {
	s = &site{bed: bed}
	if err := bed.Write("resume.hcl", fmt.Sprintf(descriptor, workers)); err != nil {
		return nil, err
	}
	s.write(1)
	s.host, err = bed.Serve(ctx, "resume.hcl")
	return s, err
}

// ask sends the head of a request and reads the head of the response.
func (s *site) ask(head string) (net.Conn, *bufio.Reader, error) {
	conn, err := net.Dial("tcp", s.host.Address)
	if err != nil {
		return nil, nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(silence))
	_, err = io.WriteString(conn, head)
	in := bufio.NewReader(conn)
	for line := ""; err == nil && line != "\r\n"; {
		line, err = in.ReadString('\n')
	}
	if err != nil {
		conn.Close()
	}
	return conn, in, err
}

// write writes a version of the app.
func (s *site) write(version int) {
	name := filepath.Join(s.bed.Dir, "app.py")
	err := os.WriteFile(name+".new", fmt.Appendf(nil, app, version), 0o644)
	if err = errors.Join(err, os.Rename(name+".new", name)); err != nil {
		panic(err) // it is our own folder
	}
}

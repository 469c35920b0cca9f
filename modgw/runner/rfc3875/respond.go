package rfc3875

import (
	"bufio"
	"io"

	"github.com/modgw/modgw/modgw/runner/relay"
)

// Respond passes on the response that comes through a pipe; release is [relay.Response.Release]. A response that names another
// resource of this host is read to its end, and local is that resource then, whose response is to be the response (6.2.2). The
// error is that of [relay.Request.Send], or says why the head could not be read.
func Respond(r *relay.Request, pipe *relay.Pipe, release func()) (local string, err error) {
	in := bufio.NewReader(pipe)
	head, err := ReadHead(in)
	if err != nil {
		return "", err
	}
	if head.Local == "" {
		return "", r.Send(&relay.Response{Head: head.Head, Pipe: pipe, Body: in, Release: release})
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return "", err
	}
	return head.Local, nil
}

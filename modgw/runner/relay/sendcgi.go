package relay

import (
	"bufio"
	"errors"
	"io"

	"github.com/modgw/modgw/modgw/cgi"
)

// SendCGI passes on the response of a CGI or FastCGI program that comes through a pipe; release is
// [Response.Release]. A response that names another resource of this host is read to its end, and
// local is that resource then, whose response is to be the response (RFC 3875, 6.2.2). The error is
// that of [Request.Send], or says why the head could not be read.
func (r *Request) SendCGI(pipe *Pipe, release func()) (local string, err error) {
	in := bufio.NewReader(pipe)
	head, err := cgi.ReadHead(in)
	if bad, ok := errors.AsType[*cgi.HeadError](err); ok {
		return "", Bad("%s", bad.Reason)
	}
	if err != nil {
		return "", err
	}
	if head.Local == "" {
		return "", r.Send(&Response{
			Head:    Head{Status: head.Status, Length: head.Length, Header: head.Header},
			Pipe:    pipe,
			Body:    in,
			Release: release,
		})
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return "", err
	}
	return head.Local, nil
}

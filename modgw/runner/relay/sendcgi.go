package relay

import (
	"bufio"
	"errors"
	"io"

	"github.com/modgw/modgw/modgw/cgi"
)

// SendCGI forwards the response of a CGI or FastCGI program from a pipe. release is
// [Response.Release]. If the response names another resource of this host, it is read to its end
// and local is that resource, whose response must be sent instead (RFC 3875, 6.2.2). The error is
// that of [Request.Send], or the reason why the head could not be read.
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

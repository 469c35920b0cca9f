package http

import (
	"bufio"
	"net"

	"github.com/pires/go-proxyproto"

	"github.com/modgw/modgw/modgw"
)

// introduce reads the header of the PROXY protocol. A proxy that speaks for itself, to see whether
// we are well, names no client.
func (c *conn) introduce() error {
	in := bufio.NewReader(c.Conn)
	if _, err := in.Peek(1); err != nil {
		// it sent nothing at all, like a proxy that checks whether the port is open
		return err
	}
	header, err := proxyproto.Read(in)
	if err != nil {
		return notIntroduced(err)
	}
	early, _ := in.Peek(in.Buffered())
	for len(early) > 0 {
		n := copy(c.in.room(), early)
		c.in.add(n)
		early = early[n:]
	}
	if client, ok := header.SourceAddr.(*net.TCPAddr); ok && header.Command.IsProxy() {
		c.client = client
	}
	return nil
}

func notIntroduced(err error) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-REQ-015",
		Summary: "cannot take the connection: it does not begin with a PROXY protocol header",
		Hint:    "let the proxy send one (send-proxy-v2 in HAProxy, proxy_protocol on in nginx), or leave proxy_protocol out of the listen block",
		Err:     err,
	}
}

package response

import (
	"net/http"

	"golang.org/x/net/http/httpguts"

	"github.com/modgw/modgw/modgw/wire"
)

// maxHints is the largest number of links in one message of early hints.
const maxHints = 100

// passHints passes early hints on (RFC 8297), where the front can.
func (p *Response) passHints(f wire.Frame) error {
	d := wire.NewDecoder(string(f.Payload))
	n := d.List()
	if n > maxHints {
		return Bad("its early hints have %d links, more than %d", n, maxHints)
	}
	links := make([]string, 0, n)
	for range n {
		link := d.Latin1()
		if !httpguts.ValidHeaderFieldValue(link) {
			return Bad("the link %q in its early hints has a control character", link)
		}
		links = append(links, link)
	}
	if err := d.Finish(); err != nil {
		return err
	}
	if len(links) > 0 {
		header := p.request.W.Header()
		before := header["Link"]
		header["Link"] = links
		p.request.W.WriteHeader(http.StatusEarlyHints)
		header["Link"] = before
		if before == nil {
			delete(header, "Link")
		}
	}
	return p.source.Release(Cost(f))
}

// keepTrailers keeps the trailers that end a response, for a client that takes some.
func (p *Response) keepTrailers(f wire.Frame) error {
	if !f.End() {
		return wire.Errorf("trailers that do not end the response")
	}
	d := wire.NewDecoder(string(f.Payload))
	fields, err := DecodeFields(d)
	if err == nil {
		err = d.Finish()
	}
	if err == nil && p.TakesTrailers {
		p.trailing = fields
	}
	return err
}

// passTrailers passes trailers on (RFC 9110, 6.5), where the front can.
func (p *Response) passTrailers() error {
	// Without it, net/http would send a short body with a length in place of trailers.
	if err := p.Flush(); err != nil {
		return err
	}
	header := p.request.W.Header()
	for _, f := range p.trailing {
		name := http.TrailerPrefix + f.Name
		header[name] = append(header[name], f.Value)
	}
	return nil
}

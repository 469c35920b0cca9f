package fcgi

import (
	"fmt"
	"net/http"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/fcgi"
	"github.com/modgw/modgw/modgw/front"
)

// maxQuery is the number of bytes read of a management record. All existing names fit.
const maxQuery = 4 << 10

// takeRecord takes the next record, or the next piece of a record with body. The caller has the
// reading turn.
func (c *conn) takeRecord() error {
	h := c.in.Current()
	if c.in.Left() == 0 {
		var err error
		if h, err = c.in.Next(); err != nil {
			return err
		}
	}
	if h.ID == 0 {
		return c.takeManagement(h)
	}
	switch h.Type {
	case fcgi.TypeBegin:
		return c.takeBegin(h)
	case fcgi.TypeParams:
		return c.takeParams(h)
	case fcgi.TypeStdin:
		return c.takeStdin(h)
	case fcgi.TypeAbort:
		return c.takeAbort(h)
	case fcgi.TypeData:
		return c.in.Skip() // belongs to filters, which were refused
	}
	return fmt.Errorf("cannot take a record of type %d from a client", h.Type)
}

// takeManagement answers records that belong to no request.
func (c *conn) takeManagement(h fcgi.Header) error {
	switch h.Type {
	case fcgi.TypeBegin, fcgi.TypeAbort, fcgi.TypeEnd, fcgi.TypeParams, fcgi.TypeStdin, fcgi.TypeStdout, fcgi.TypeStderr,
		fcgi.TypeData:
		return fmt.Errorf("cannot take a record of type %d with request id 0", h.Type)
	case fcgi.TypeGetValues:
		query, err := c.takeQuery()
		if err != nil {
			return err
		}
		values := fcgi.Values{MaxConns: 65535, MaxReqs: c.server.config.MaxStreams, Mpxs: true}
		return c.send(nil, fcgi.AppendRecord(nil, fcgi.TypeGetValuesResult, 0, values.Answer(query)))
	}
	if err := c.in.Skip(); err != nil {
		return err
	}
	return c.send(nil, fcgi.AppendUnknownType(nil, h.Type))
}

func (c *conn) takeQuery() (string, error) {
	var query []byte
	for c.in.Left() > 0 && len(query) < maxQuery {
		piece, err := c.in.Piece()
		if err != nil {
			return "", err
		}
		query = append(query, piece...)
	}
	return string(query), c.in.Skip()
}

func (c *conn) takeBegin(h fcgi.Header) error {
	content, err := c.in.ReadBody()
	if err != nil {
		return err
	}
	begin := fcgi.ParseBegin(content[:])
	s := &stream{conn: c, id: h.ID, keepConn: begin.KeepConn}
	s.authorizer = begin.Role == fcgi.RoleAuthorizer && c.server.config.Authorizer
	c.mu.Lock()
	if old := c.find(h.ID); old != nil && old.stage != replied {
		c.mu.Unlock()
		return fmt.Errorf("cannot begin request %d twice", h.ID)
	} else if old != nil {
		c.remove(old) // its goroutine has not come to that yet
	}
	c.requestBegun()
	inFlight := c.inFlight()
	c.multiplex = c.multiplex || inFlight > 0
	c.streams = append(c.streams, s)
	s.params, c.spare = c.spare[:0], nil
	c.mu.Unlock()

	switch {
	case begin.Role != fcgi.RoleResponder && !s.authorizer:
		s.input = inputEnded
		_ = c.sendLast(s, fcgi.AppendEnd(nil, s.id, fcgi.End{Protocol: fcgi.UnknownRole}))
		c.finished(s)
	case inFlight >= c.server.config.MaxStreams:
		s.refuse(http.StatusServiceUnavailable, tooManyStreams(inFlight))
	}
	return nil
}

func (c *conn) takeParams(h fcgi.Header) error {
	c.mu.Lock()
	s := c.find(h.ID)
	ended := s != nil && s.input != inVariables
	c.mu.Unlock()
	switch {
	case s == nil:
		return c.in.Skip()
	case ended:
		return fmt.Errorf("cannot take more variables of request %d after their end", h.ID)
	case h.Content == 0:
		c.headComplete(s)
		return nil
	}
	for c.in.Left() > 0 {
		piece, err := c.in.Piece()
		if err != nil {
			return err
		}
		if err := cgi.CheckTotal(len(s.params) + len(piece)); err != nil {
			s.refuse(front.VariablesFault(err))
			return c.in.Skip()
		}
		s.params = append(s.params, piece...)
	}
	return nil
}

// takeStdin takes one piece of a request's body, or its end.
func (c *conn) takeStdin(h fcgi.Header) error {
	piece, err := c.stdinPiece(h)
	if err != nil {
		return err
	}
	c.mu.Lock()
	s := c.find(h.ID)
	fault, err := c.addStdin(s, h, piece)
	c.mu.Unlock()
	if fault != nil {
		s.refuse(http.StatusBadRequest, fault)
	}
	return err
}

// stdinPiece takes a piece of a request's body, straight to where it is wanted if it is.
func (c *conn) stdinPiece(h fcgi.Header) ([]byte, error) {
	if room := c.wanted.room(h.ID); h.Content > 0 && len(room) > 0 {
		n, err := c.in.Read(room)
		return room[:n], err
	}
	return c.in.Piece()
}

// addStdin gives a piece of its body to a request, or the end of it when the record is empty. A
// fault means that the request must be refused. The caller holds c.mu.
func (c *conn) addStdin(s *stream, h fcgi.Header, piece []byte) (*modgw.Fault, error) {
	switch {
	case s == nil:
		if h.Content == 0 && c.phase == lingering && c.lingerID == h.ID {
			c.phase = closing
		}
		return nil, nil
	case s.input == inVariables:
		return nil, fmt.Errorf("cannot take the body of request %d before its variables", h.ID)
	case s.authorizer:
		return nil, nil // it has no body (section 6.3 of the specification)
	case s.input == inputEnded:
		return nil, fmt.Errorf("cannot take more of the body of request %d after its end", h.ID)
	case h.Content == 0:
		return s.bodyEnds(), nil
	}
	return s.bodyGrows(piece), nil
}

func (c *conn) takeAbort(h fcgi.Header) error {
	if err := c.in.Skip(); err != nil {
		return err
	}
	s := c.lookup(h.ID)
	if s == nil {
		return nil
	}
	// Send the end record first: it must precede any output that the handler still writes when it
	// learns of the abort.
	_ = c.sendLast(s, fcgi.AppendEnd(nil, s.id, fcgi.End{}))
	c.mu.Lock()
	s.lose(errGone)
	s.input = inputEnded // an aborted request has no further input
	c.mu.Unlock()
	c.finished(s)
	return nil
}

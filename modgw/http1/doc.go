// Package http1 reads requests and writes responses in HTTP/1.1 and HTTP/1.0 (RFC 9112): bytes in,
// events out; bytes out.
//
// It knows nothing of connections, deadlines and handlers. Its caller, a goroutine that blocks or a
// loop that waits for many sockets, holds the bytes and decides when to read and write:
//
//	for {
//		event, taken, err := parser.Parse(buffered)
//		buffered = buffered[taken:]
//		switch {
//		case err != nil:                  // answer with err.(http1.Reason).Status(), and close
//		case event == http1.NeedMore:     // read, append to buffered, parse again
//		case event == http1.HeadRead:     // parser.Head(), or request.Fill
//		case event == http1.BodyNext:     // take up to parser.Ahead() bytes, then parser.Advance
//		case event == http1.RequestEnd:   // the next byte begins another request
//		case event == http1.HTTP2Preface: // hand the connection to an HTTP/2 server
//		}
//	}
//
// The parser reads strictly wherever two readers could disagree about where a request ends, and
// refuses everything else. It keeps positions and no bytes: a head is a part of the buffer that was
// parsed.
package http1

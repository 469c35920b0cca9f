package asgi

import (
	"github.com/modgw/modgw/modgw/runner/python/response"
	"github.com/modgw/modgw/modgw/wire"
)

// socketKind is a worker's action on a WebSocket.
type socketKind uint8

const (
	socketText socketKind = iota
	socketBinary
	socketAccept
	socketClose
	socketTextEnd   // the Body frames before are a text message
	socketBinaryEnd // the Body frames before are a message of bytes
	socketReceived  // the answer to a tuple that asks for a move
)

// socketEvent is an Event of a WebSocket, as wire has it.
type socketEvent struct {
	kind        socketKind
	data        string           // the text or the bytes of a message
	subprotocol string           // the choice of a socketAccept; "": none
	header      []response.Field // headers of the response of a socketAccept
	code        int              // the code of a socketClose
	received    int              // messages that the app has received, of a socketReceived
	reason      string           // the reason of a socketClose; "": none
}

// decodeSocketEvent decodes a worker's event: a message is its str or bytes, True and False end a
// long message that came in Body frames, a list accepts, a tuple closes, and an int is the number
// of messages that the app has received.
func decodeSocketEvent(payload []byte) (e socketEvent, err error) {
	d := wire.NewDecoder(string(payload))
	switch payload[0] {
	case 'u':
		e.kind, e.data = socketText, d.Text()
	case 's':
		e.kind, e.data = socketBinary, d.Latin1()
	case 'T', 'F':
		if e.kind = socketBinaryEnd; d.Bool() {
			e.kind = socketTextEnd
		}
	case 'i', 'I':
		e.kind, e.received = socketReceived, int(d.Int())
	case '[':
		e.kind = socketAccept
		if n := d.List(); d.Err() == nil && n != 2 {
			return e, wire.Errorf("an acceptance of %d values", n)
		}
		e.subprotocol = d.Latin1()
		e.header, err = response.DecodeFields(d)
	default:
		e.kind = socketClose
		if n := d.Tuple(); d.Err() == nil && n != 2 {
			return e, wire.Errorf("a close of %d values", n)
		}
		e.code, e.reason = int(d.Int()), d.Text()
	}
	if err == nil {
		err = d.Finish()
	}
	return e, err
}

// closeReason is a reason as a close frame can hold it (RFC 6455, 5.5).
func closeReason(reason string) string {
	const most = 123
	if len(reason) <= most {
		return reason
	}
	cut := most
	for cut > 0 && reason[cut]&0xc0 == 0x80 {
		cut--
	}
	return reason[:cut]
}

// mayClose reports whether a close frame may have a code (RFC 6455, 7.4).
func mayClose(code int) bool {
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014, code >= 3000 && code <= 4999:
		return true
	}
	return false
}

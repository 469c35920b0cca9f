package wire

import "fmt"

// ProtocolError is a rule of this package that the peer broke. The connection cannot be used any
// more.
type ProtocolError struct {
	Rule string // offence of the peer: "frame of unknown type 77"
}

// Error describes the mistake of the peer.
func (e *ProtocolError) Error() string { return "protocol error: " + e.Rule }

// Errorf returns a [*ProtocolError] whose Rule is the formatted text.
func Errorf(format string, args ...any) error {
	return &ProtocolError{Rule: fmt.Sprintf(format, args...)}
}

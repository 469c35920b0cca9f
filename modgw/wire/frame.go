package wire

import (
	"encoding/binary"
	"fmt"
	"time"
)

// The sizes that both sides agree on.
const (
	// HeaderSize is the length of a frame without its payload.
	HeaderSize = 12

	// MaxPayload is the longest payload of a frame.
	MaxPayload = 1 << 20

	// InitialWindow is the number of bytes of body that each direction of a stream may carry before
	// the first Window frame.
	InitialWindow = 256 << 10

	// MuxWindow is the same on a connection that many streams share, for pieces in shared memory.
	// Those in frames may only use as much of it as InitialWindow.
	MuxWindow = 1 << 20

	// ThreadWindow is the same for the connection of a thread, where the part of a response that
	// its client has not received waits in the connection and not in the host's memory.
	ThreadWindow = 1 << 20

	// EventCost is the number of bytes of window that an Event uses in addition to its payload, so
	// that many small events are bounded too.
	EventCost = 64

	// PaceUnit is the unit of a thread's pace.
	PaceUnit = 16 * time.Microsecond

	// MaxPace is the slowest pace that a frame can carry.
	MaxPace = 255
)

// Type is the type of a frame. The package documentation describes the sender, connection and
// payload of each.
type Type uint8

// The types of frames. Their numbers are the protocol.
const (
	Request   Type = 1
	Body      Type = 2
	Window    Type = 3
	Cancel    Type = 4
	Response  Type = 5
	Abort     Type = 6
	File      Type = 7
	Event     Type = 8
	Start     Type = 9
	Ready     Type = 10
	Failed    Type = 11
	Stop      Type = 12
	Dump      Type = 13
	Log       Type = 14
	Retire    Type = 15
	Unqueue   Type = 16
	Unqueued  Type = 17
	Shared    Type = 18
	Interrupt Type = 19
	Locate    Type = 20
	Collect   Type = 21
	Join      Type = 22
	Kept      Type = 23
)

var typeNames = map[Type]string{
	Request: "Request", Body: "Body", Window: "Window", Cancel: "Cancel", Response: "Response", Abort: "Abort",
	File: "File", Event: "Event", Start: "Start", Ready: "Ready", Failed: "Failed", Stop: "Stop", Dump: "Dump",
	Log: "Log", Retire: "Retire", Unqueue: "Unqueue", Unqueued: "Unqueued", Shared: "Shared",
	Interrupt: "Interrupt", Locate: "Locate", Collect: "Collect", Join: "Join", Kept: "Kept",
}

// String is the name that the package documentation uses.
func (t Type) String() string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	return fmt.Sprintf("Type(%d)", uint8(t))
}

// Flags are the bits of a frame's flags byte.
type Flags uint8

const (
	// FlagEnd marks the last frame in this direction of the stream.
	FlagEnd Flags = 1 << iota

	// FlagBusy, with FlagEnd, means that the thread still executes the app for the stream.
	FlagBusy
)

// Frame is one message.
type Frame struct {
	Type   Type   // kind of frame
	Flags  Flags  // zero: none
	Stream uint32 // 0 on the control connection
	// with Response: how long the thread's requests take of late, in [PaceUnit]; 0: unknown
	Pace    uint8
	CPU     uint8  // with Pace: which part of that time the thread computes, in 255ths
	Payload []byte // from a [Reader]: valid until the next frame is read
}

// End reports whether nothing more follows in this direction of the stream.
func (f Frame) End() bool { return f.Flags&FlagEnd != 0 }

// AppendFrame appends the frame to b. A payload beyond [MaxPayload] is a bug of the caller.
func AppendFrame(b []byte, f Frame) []byte {
	start := len(b)
	b = BeginFrame(b, f.Type, f.Flags, f.Stream)
	return EndFrame(append(b, f.Payload...), start)
}

// BeginFrame appends the header of a frame whose payload the caller appends next; [EndFrame] then
// fills in the length.
func BeginFrame(b []byte, t Type, flags Flags, stream uint32) []byte {
	b = append(b, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, stream)
	return append(b, byte(t), byte(flags), 0, 0)
}

// appendHeader appends the header of the frame, after which the payload must come.
func appendHeader(b []byte, f Frame) []byte {
	start := len(b)
	b = BeginFrame(b, f.Type, f.Flags, f.Stream)
	binary.LittleEndian.PutUint32(b[start:], uint32(len(f.Payload)))
	return b
}

// EndFrame completes the frame that begins at b[start].
func EndFrame(b []byte, start int) []byte {
	length := len(b) - start - HeaderSize
	if length < 0 || length > MaxPayload {
		panic(fmt.Sprintf("wire: frame of %d bytes", length))
	}
	binary.LittleEndian.PutUint32(b[start:], uint32(length))
	return b
}

// parseHeader reads the header at the beginning of b, which has at least HeaderSize bytes.
func parseHeader(b []byte) (f Frame, length int, err error) {
	n := binary.LittleEndian.Uint32(b)
	f = Frame{Stream: binary.LittleEndian.Uint32(b[4:]), Type: Type(b[8]), Flags: Flags(b[9]), Pace: b[10], CPU: b[11]}
	switch {
	case n > MaxPayload:
		return f, 0, Errorf("frame of %d bytes, more than %d", n, MaxPayload)
	case f.Flags&^(FlagEnd|FlagBusy) != 0 || f.Flags == FlagBusy || (f.Pace != 0 || f.CPU != 0) && f.Type != Response:
		return f, 0, Errorf("frame header % x has unknown bits", b[:HeaderSize])
	case typeNames[f.Type] == "":
		return f, 0, Errorf("frame of unknown type %d", b[8])
	}
	return f, int(n), nil
}

package wire

import "encoding/binary"

// StartMessage describes the app that a worker loads.
type StartMessage struct {
	Kind        string   // "wsgi" or "asgi"
	Entry       string   // entry of the app, as in its descriptor
	Threads     int      // the threads of a WSGI worker
	Concurrency int      // requests at once of an ASGI worker, or of one with gevent
	Gevent      bool     // requests of a WSGI worker are greenlets
	Lifespan    string   // "auto", "on" or "off", of an ASGI app; "" is "auto"
	Path        []string // entries to put before the rest of sys.path
	Root        string   // folder of the app, absolute
	Mount       string   // path that the app is mounted at
	App         string   // name of the app
	Generation  int      // number of the generation, from 1
	Worker      int      // number of the worker, from 1
	Processes   int      // workers that the app has
	Dev         bool     // the host serves a developer

	Compat string // server whose extensions the app finds, "mod_wsgi"; "": none

	// Authorize names, by question, the callables that answer whether other requests may pass; nil:
	// there are none.
	Authorize map[string]string
	Groups    []string // groups of which a user must be in one

	// Telemetry are environment variables with which the worker starts the app's own OpenTelemetry;
	// nil: it does not.
	Telemetry map[string]string
}

// Append appends the message as payload of a Start frame.
func (m StartMessage) Append(b []byte) []byte {
	text := func(key, value string) { b = AppendText(AppendText(b, key), value) }
	number := func(key string, value int) { b = AppendInt(AppendText(b, key), int64(value)) }
	b = BeginDict(b)
	text("kind", m.Kind)
	text("entry", m.Entry)
	number("threads", m.Threads)
	number("concurrency", m.Concurrency)
	b = AppendBool(AppendText(b, "gevent"), m.Gevent)
	if m.Lifespan != "" {
		text("lifespan", m.Lifespan)
	}
	b = AppendList(AppendText(b, "path"), len(m.Path))
	for _, entry := range m.Path {
		b = AppendText(b, entry)
	}
	text("root", m.Root)
	text("mount", m.Mount)
	text("app", m.App)
	number("generation", m.Generation)
	number("worker", m.Worker)
	number("processes", m.Processes)
	if m.Compat != "" {
		text("compat", m.Compat)
	}
	b = AppendBool(AppendText(b, "dev"), m.Dev)
	if m.Authorize != nil {
		b = BeginDict(AppendText(b, "authorize"))
		for question, callable := range m.Authorize {
			text(question, callable)
		}
		b = EndDict(b)
		b = AppendList(AppendText(b, "groups"), len(m.Groups))
		for _, group := range m.Groups {
			b = AppendText(b, group)
		}
	}
	if m.Telemetry != nil {
		b = BeginDict(AppendText(b, "telemetry"))
		for name, value := range m.Telemetry {
			text(name, value)
		}
		b = EndDict(b)
	}
	return EndDict(b)
}

// ReadyMessage describes a worker that is ready for requests.
type ReadyMessage struct {
	PID      int    // process id as the worker sees it
	Python   string // implementation and version of the interpreter
	Callable string // name of the object that is called
	Buffer   bool   // it has mapped all memory that the host shares with it

	// Interrupt means that the worker can raise an exception in a thread that runs a request.
	Interrupt bool

	// Joins is the version of Join that the worker supports, as [JoinVersion]; 0: none.
	Joins int
}

// JoinVersion is the version of Join that this host requires of a worker that it shares. It changes
// when older workers could not serve this host.
const JoinVersion = 2

// DecodeReady reads the payload of a Ready frame.
func DecodeReady(payload []byte) (m ReadyMessage, err error) {
	err = decodeDict(payload, map[string]any{
		"pid": &m.PID, "python": &m.Python, "callable": &m.Callable, "buffer": &m.Buffer, "interrupt": &m.Interrupt,
		"joins": &m.Joins,
	})
	return m, err
}

// FailedMessage explains why a worker cannot load its app.
type FailedMessage struct {
	Reason    string // "import", "missing", "not callable", "exit", "startup" or "startup late"
	Type      string // type of the exception
	Message   string // text of the exception
	File      string // the place in the app's own code; "" when there is none
	Line      int    // its line; 0 when there is none
	Text      string // content of that line
	Traceback string // as Python prints it
	Details   string // the exception with its frames, in development; see doc.go
}

// DecodeFailed reads the payload of a Failed frame.
func DecodeFailed(payload []byte) (m FailedMessage, err error) {
	err = decodeDict(payload, map[string]any{
		"reason": &m.Reason, "type": &m.Type, "message": &m.Message, "file": &m.File, "line": &m.Line, "text": &m.Text,
		"traceback": &m.Traceback, "details": &m.Details,
	})
	return m, err
}

// LogMessage is a log record of a worker.
type LogMessage struct {
	Level     string // "debug", "info", "warning" or "error"
	Message   string // text of the record
	Traceback string // "" if there is none
	Request   string // id of the request; "" if it belongs to none
	Trace     string // traceparent header of that request; "": none
	File      string // the place in the app's own code; "" when there is none
	Line      int    // its line; 0 when there is none
	Details   string // as in FailedMessage
}

// DecodeLog reads the payload of a Log frame.
func DecodeLog(payload []byte) (m LogMessage, err error) {
	err = decodeDict(payload, map[string]any{
		"level": &m.Level, "message": &m.Message, "traceback": &m.Traceback, "details": &m.Details, "request": &m.Request,
		"trace": &m.Trace, "file": &m.File, "line": &m.Line,
	})
	return m, err
}

// HeadSeparator is between the parts of the head of a Response frame.
const HeadSeparator = "\x00"

// SplitHead splits the payload of a Request or Response frame into its head and the first piece of
// the body.
func SplitHead(payload []byte) (head, body []byte, err error) {
	if len(payload) < 4 {
		return nil, nil, Errorf("a head in %d bytes", len(payload))
	}
	n := binary.LittleEndian.Uint32(payload)
	rest := payload[4:]
	if uint64(n) > uint64(len(rest)) {
		return nil, nil, Errorf("a head of %d bytes where %d are left", n, len(rest))
	}
	return rest[:n], rest[n:], nil
}

// FileRange is the payload of a File frame.
type FileRange struct {
	Offset int64 // bytes from the beginning of the file
	Length int64 // bytes of the body that are left
}

// DecodeFile reads the payload of a File frame.
func DecodeFile(payload []byte) (FileRange, error) {
	if len(payload) != 16 {
		return FileRange{}, Errorf("a File frame of %d bytes", len(payload))
	}
	offset, length := binary.LittleEndian.Uint64(payload), binary.LittleEndian.Uint64(payload[8:])
	const most = 1 << 62
	if offset > most || length > most {
		return FileRange{}, Errorf("a file from %d, %d bytes long", offset, length)
	}
	return FileRange{Offset: int64(offset), Length: int64(length)}, nil
}

// DecodeWindow reads the payload of a Window frame.
func DecodeWindow(payload []byte) (int, error) {
	if len(payload) != 4 {
		return 0, Errorf("a Window frame of %d bytes", len(payload))
	}
	return int(binary.LittleEndian.Uint32(payload)), nil
}

// AppendWindow appends a whole Window frame that gives back n bytes.
func AppendWindow(b []byte, stream uint32, n int) []byte {
	start := len(b)
	b = BeginFrame(b, Window, 0, stream)
	return EndFrame(binary.LittleEndian.AppendUint32(b, uint32(n)), start)
}

// AppendShared appends a whole Shared frame for length bytes that lie at an offset.
func AppendShared(b []byte, stream uint32, flags Flags, offset, length int) []byte {
	start := len(b)
	b = BeginFrame(b, Shared, flags, stream)
	return EndFrame(AppendPiece(b, offset, length), start)
}

// AppendPiece appends where a piece of a body is, as the payloads of Shared and Kept have it.
func AppendPiece(b []byte, offset, length int) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(offset))
	return binary.LittleEndian.AppendUint32(b, uint32(length))
}

func decodeShared(payload []byte) (offset, length uint32, err error) {
	if len(payload) != 8 {
		return 0, 0, Errorf("a Shared frame of %d bytes", len(payload))
	}
	return binary.LittleEndian.Uint32(payload), binary.LittleEndian.Uint32(payload[4:]), nil
}

// AppendUnqueue appends the payload of an Unqueue frame, which requests the return of the requests
// that wait for a thread behind a stream. 0 means any stream.
func AppendUnqueue(b []byte, thread int, stream uint32) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(b, uint32(thread)), stream)
}

// AppendInterrupt appends the payload of an Interrupt frame, which ends the request of a stream by
// an exception in its thread.
func AppendInterrupt(b []byte, thread int, stream uint32, reason string) []byte {
	return append(AppendUnqueue(b, thread, stream), reason...)
}

// DecodeUnqueued reads the payload of a Unqueued frame.
func DecodeUnqueued(payload []byte) (thread uint32, streams []uint32, err error) {
	if len(payload) < 4 || len(payload)%4 != 0 {
		return 0, nil, Errorf("a Unqueued frame of %d bytes", len(payload))
	}
	for rest := payload[4:]; len(rest) > 0; rest = rest[4:] {
		streams = append(streams, binary.LittleEndian.Uint32(rest))
	}
	return binary.LittleEndian.Uint32(payload), streams, nil
}

// AppendRequest appends a whole Request frame.
func AppendRequest(b []byte, stream uint32, flags Flags, head, body []byte) []byte {
	start := len(b)
	b = BeginFrame(b, Request, flags, stream)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(head)))
	return EndFrame(append(append(b, head...), body...), start)
}

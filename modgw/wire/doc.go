// Package wire is the protocol between the host and a worker: length-prefixed frames over Unix
// socketpairs, many requests interleaved by stream id, with flow control in both directions.
//
// # Connections
//
// A worker inherits one control connection as file descriptor 3 and its request connections as 4,
// 5, …: one for each thread of a WSGI worker, one for all requests of an ASGI worker. Everything
// else travels on the control connection; its end means that the peer is gone. The next descriptor,
// if the host's kernel supports it, is memory that both map, followed, for the threads of a WSGI
// worker, by the memory for kept bodies.
//
// A worker can also be attached: a process that the host has not started connects to a Unix socket.
// That is its control connection, and the descriptors of its request connections and of the shared
// memory travel with the first byte of Start (SCM_RIGHTS). A host that does not want it sends Abort
// on stream 0 instead, with the reason as text, and closes the connection.
//
// # Frames
//
// A frame is a header of 12 bytes, little-endian, and a payload:
//
//	length   uint32  of the payload, at most MaxPayload
//	stream   uint32  the request; 0 on the control connection
//	type     uint8
//	flags    uint8   FlagEnd: the last frame in this direction of the stream. FlagBusy, with it,
//	                 from a worker with threads: the app continues the request
//	pace     uint8   with Response, the recent duration of the thread's requests, in units of 16
//	                 µs; 0: unknown; 255: that long or longer. 0 with all others
//	cpu      uint8   with Response, the part of that time for which the thread computes, in
//	                 255ths. 0 with all others
//
// Stream ids grow and are never used twice on a connection. The host opens a stream with Request;
// the worker closes it with FlagEnd on Response, Body or File, or with Abort. A frame for a stream
// that is closed already was in transit when it closed: it is dropped.
//
// A thread answers the requests of its connection in order. Several may be in transit at once, so
// that it reads and answers them with few system calls. Those that wait behind a slow one are given
// back on Unqueue, if their Request frame has FlagEnd.
//
//	type        on       from    payload
//	Request     request  host    uint32 length of the head, head, first piece of the body
//	Body        request  both    a piece of the body; may be empty with FlagEnd
//	Shared      request  both    uint32 offset, uint32 length: a piece of the body, which is in
//	                             the shared buffer; see below
//	Kept        request  both    from the host, right after Request: pairs of uint32 offset and
//	                             uint32 length: pieces of the body, which are in the memory for
//	                             kept bodies; see below. From the worker, without a payload: it
//	                             does not read them any more
//	Window      request  both    uint32: so many more bytes of body were consumed and may be
//	                             sent; on stream 0, see below
//	Cancel      request  host    the request is over for the host: its client has gone or its
//	                             time is up; the payload is the reason as text. With FlagEnd the
//	                             app should be stopped if possible. The worker still closes the
//	                             stream
//	Response    request  worker  uint32 length of the head, head, first piece of the body
//	Abort       request  worker  why the response cannot be completed, as text; before Response
//	                             it becomes a 500, after it the client sees a response that was
//	                             cut off
//	File        request  worker  uint64 offset, uint64 length: the rest of the body is that part
//	                             of the file whose descriptor travels with the frame's first byte
//	                             (SCM_RIGHTS); always has FlagEnd
//	Event       request  both    an event of a WebSocket, or early hints or trailers of a
//	                             response; see below. An empty one from the host on a request's
//	                             stream: the client has closed its sending side some time ago.
//	                             It may have gone; an answer is still passed on
//	Event       control  both    questions to a template process and its answers; and once, from a
//	                             worker that may be learned from, the modules it has loaded
//	Start       control  host    the app to load
//	Ready       control  worker  the app is loaded and takes requests
//	Failed      control  worker  the app cannot be loaded, and why; the worker ends then
//	Stop        control  host    finish the requests in flight, run exit handlers, end
//	Dump        control  host    log the stacks of all threads; the payload is the reason as text.
//	                             If it is empty: log that of the event loop if it is blocked
//	Log         control  worker  a log record
//	Retire      control  worker  the worker wants to be replaced; the payload is the reason as
//	                             text
//	Unqueue     control  host    uint32 number of a thread, from 0, and uint32 id of a stream:
//	                             give back the waiting requests if the thread is still busy with
//	                             that stream. 0: give them back in any case
//	Interrupt   control  host    uint32 number of a thread, uint32 id of a stream, reason as text:
//	                             raise an exception in the thread if it runs the app for that
//	                             stream, and log where it was
//	Unqueued    control  worker  uint32 number of the thread, uint32 ids of the streams that are
//	                             given back: their requests were not begun and never will be, and
//	                             they have no further frames. Without ids: the thread is still
//	                             busy with the stream that Unqueue named. With FlagEnd it has
//	                             computed since Unqueue last named that stream. Answers to later
//	                             requests, on the connection, may overtake this frame
//
//	Join        control  both    from the host: serve another host too, whose descriptors travel
//	                             with this frame: those of its control connection, its request
//	                             connections and the memory that it shares; see below. From the
//	                             worker: its threads are to look at their connections; with
//	                             uint32 number of a thread, from 0, and uint32 ids of streams: it
//	                             is busy for another host, and the streams are given back as with
//	                             Unqueued; or for the app, which continues a request whose stream
//	                             is closed; with FlagEnd: it is not any more
//	Locate      control  both    from the host: report the positions of the requests that you
//	                             execute. The payload is the id of one whose stack is wanted, or
//	                             empty. The worker answers each, in order, with a list; see below
//	Collect     control  both    from the host: collect garbage, because no requests are to come
//	                             for long. The worker answers with an empty one when it has
//
// # Dictionaries
//
// The head of Request and the payloads of Start, Ready, Failed, Log and Event are in Python's
// marshal format, so that a worker reads and writes them in one C call. The host writes only types
// of marshal version 2, and reads only None, True, False, int, bytes, str, tuple, list and dict, of
// bounded size and depth.
//
//	Request   WSGI: the environ, without the wsgi.* objects, as two dicts of str to str, and
//	          before them the length of the first one as uint32. The first dict is the same in
//	          many requests: the worker decodes it once and keeps it. ASGI: the scope, without
//	          the parts that are the same in all scopes of a worker and without its state
//	Start     {"kind": "wsgi"|"asgi", "entry": str, "threads": int, "concurrency": int, "path":
//	          [str], "root": str, "mount": str, "app": str, "generation": int, "worker": int,
//	          "dev": bool}; of an ASGI app also "lifespan": "auto"|"on"|"off"
//	Ready     {"pid": int, "python": str, "callable": str, "buffer": bool, "interrupt": bool,
//	          "joins": int}; buffer: it has mapped the shared memory; interrupt: it obeys
//	          Interrupt; joins: it obeys Join in the way of this version
//	Failed    {"reason": "import"|"missing"|"not callable"|"exit"|"startup"|"startup late",
//	          "type": str, "message": str, "file": str, "line": int, "text": str, "traceback":
//	          str}; file and line name the place in the app's own code, "" and 0 when there is
//	          none
//	Log       {"level": "debug"|"info"|"warning"|"error", "message": str, "traceback": str,
//	          "request": str, "trace": str, "file": str, "line": int}; request is the
//	          RequestInfo.ID or "", trace the request's traceparent header or ""
//	Locate    a list with a dict for each request: {"request": str, "milliseconds": int,
//	          "module": str, "function": str, "file": str, "line": int, "blocks": bool}, and
//	          "stack": str with the frames of the named request, or of the code that blocks it.
//	          The request has been executed, or the event loop blocked, for that many
//	          milliseconds. Module and function are those of the library that the app has
//	          called, "" if it is in code of its own; file and line name the place in that code,
//	          "" and 0 if there is none; blocks: it blocks an event loop
//
// The head of Response is the status, a space and a reason, and the names and values of the
// headers, all in latin-1 and with a zero byte between two of them.
//
// An Event on a request connection is, on the stream of a WebSocket, from either side, a message:
// its str or bytes. A long one comes as Body frames and is completed by True (text) or False
// (binary). The worker accepts with a list of the subprotocol, or "", and a list of pairs (name,
// value) for the headers, or answers with a Response in place of the WebSocket. The side that
// closes sends the tuple (code int, reason str) with FlagEnd. The tuple (code int, reason str, now
// bool) from the host means that another worker is to take over the WebSocket, when the app next
// asks for a message, or at once if now is set. The worker answers with an int, the number of
// messages that the app has received. It drops the others; the app's own messages are still sent as
// before. On the stream of a request the worker sends early hints as a list of Link values, before
// Response, and trailers as a list of such pairs, with FlagEnd, after the last Body.
//
// In development Failed, and a Log that is about an exception, also have "details": str, a JSON
// text with the exceptions and their frames as modgw.Exception has them.
//
// # Flow control
//
// A direction of a stream starts with a window of InitialWindow bytes, or ThreadWindow on the
// connection of a thread. Pieces of the body use it up, those in Request and Response included, and
// so do Events, at EventCost plus their payload. Exceptions are the Event that accepts a WebSocket,
// those with FlagEnd, True and False from the host, and the int of a worker. Window gives back the
// consumed bytes, and the last piece of a message from the host when the app has received it. On a
// connection that many streams share, the window of a stream whose body passes through shared
// memory is MuxWindow, of which frames leave the part beyond InitialWindow free. A worker gives
// back all bytes that it has received of a request's body only if its app waits for more, and
// otherwise keeps one byte back: that way the host knows whether the app or the client is waited
// for. A worker that sends beyond its window breaks the protocol.
//
// # Shared memory
//
// Large bodies would be copied into the connection and out of it again, and the copies, and waiting
// for room, are most of their cost. A Shared frame instead has the position in the shared memory at
// which the sender has put a piece, and takes the place of a Body frame among the others. The
// sender does not change the piece until the other side has released it. The sender chooses which
// pieces go that way; the host shares none unless Ready reports that the memory is mapped.
//
// The connection of a thread has a buffer of ThreadBufferSize bytes there. The worker puts pieces
// of responses into its first half, the host pieces of requests into the second one, unless they
// come in Request. Offsets count within the half. Such pieces use no window of their stream. Window
// on stream 0 releases them, in the order in which they were put there and for all streams of the
// connection together: also those that were no longer wanted.
//
// The connection of an ASGI worker has two buffers of MuxBufferSize bytes: one for pieces of
// responses, and after it one for pieces of requests. Offsets count within them. Such pieces use
// the window of their stream as Body frames do. Window on that stream releases each when all bytes
// of the stream up to its end were released. The host releases everything, also for a stream that
// is closed; closing a stream releases all pieces of its request.
//
// A body that the host has received before it gave the request to a thread is in the memory for
// kept bodies, which all workers of the app can read, and none can write to. A Kept frame has the
// positions; it comes between Request and all other frames of the body, and uses no window. The
// host keeps the pieces until the worker has sent Kept, or has ended: also when the stream is
// closed, or the request is given to another worker. The worker sends Kept once for each stream
// with such pieces, before it begins the next request: one that answers a later request first
// breaks the protocol.
//
// The worker can write to all of the other memory at any time. The host therefore only passes the
// bytes on, bases no decision on them, and seals the size (F_SEAL_SHRINK in fcntl(2)).
//
// # Two hosts
//
// While a host is replaced by another one, a worker serves both. The first passes it the other's
// connections with Join, and the worker sends Ready to the other one when that may send requests:
// when each of its threads waits for both of its connections, which a thread does once it has
// received a frame. So the worker answers Join, and the first host sends each thread a Cancel frame
// for a stream that never was. A thread still executes one request at a time, of either host. When
// a control connection ends while there is another one, the worker leaves only that host. Stop of
// either host ends it.
//
// # Trust
//
// The host does not trust a worker's frames: lengths are capped, ids and states are checked, and a
// frame that breaks a rule is an error that ends that worker and costs no other one anything. The
// worker trusts the host.
package wire

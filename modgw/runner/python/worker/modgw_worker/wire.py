"""The frames of modgw/wire: a header of 12 bytes, little-endian, and a payload."""

import array
import marshal
import socket
import struct

HEADER = struct.Struct("<IIBBH")  # length, stream, type, flags, pace | cpu << 8
# a header whose payload begins with the length of a head
HEADER_AND_SIZE = struct.Struct("<IIBBHI")
SIZE = struct.Struct("<I")
SIZES = struct.Struct("<II")  # of the head of a WSGI request, and of the beginning of its environ
PIECE = struct.Struct("<II")  # offset and length of a Shared piece
# number of a connection, and stream that its thread is busy with
UNQUEUE_PAYLOAD = struct.Struct("<II")
# number of a connection, and a stream; the reason follows
INTERRUPT_PAYLOAD = struct.Struct("<II")
HEADER_AND_PIECE = struct.Struct("<IIBBHII")  # a whole Shared frame
RANGE = struct.Struct("<QQ")  # offset and length of a File

END = 1  # flag: nothing more follows in this direction of the stream
BUSY = 2  # flag in addition to END: the app continues the request

REQUEST = 1
BODY = 2
WINDOW = 3
CANCEL = 4
RESPONSE = 5
ABORT = 6
FILE = 7
EVENT = 8
START = 9
READY = 10
FAILED = 11
STOP = 12
DUMP = 13
LOG = 14
RETIRE = 15
UNQUEUE = 16
UNQUEUED = 17
SHARED = 18
INTERRUPT = 19
LOCATE = 20
COLLECT = 21
JOIN = 22
KEPT = 23

PACE_UNITS = 62500  # in a second
MAX_PACE = 255
CPU_UNITS = 255

INITIAL_WINDOW = 256 << 10  # bytes of body in each direction of a stream before a Window is needed
MUX_WINDOW = 1 << 20  # the same for pieces in shared memory, in addition to others in frames
THREAD_WINDOW = 1 << 20  # the same on the connection of a thread
BUFFER_WINDOW = 1 << 20  # bytes of a connection's bodies in the shared memory in each direction
# bytes of the memory that all responses on a shared connection share, and all requests
MUX_BUFFER_SIZE = 8 << 20
EVENT_COST = 64  # bytes of window that an event uses in addition to its payload
MAX_PAYLOAD = 1 << 20

# version of a worker's reaction to JOIN; the host asks no worker with another one
JOIN_VERSION = 2

MARSHAL_VERSION = 2  # the newest whose every type the host reads

loads = marshal.loads


def frame(kind, stream, payload=b"", flags=0):
    """The bytes of one frame."""
    return HEADER.pack(len(payload), stream, kind, flags, 0) + payload


def rights(fd):
    """The ancillary data with which sendmsg passes a descriptor on."""
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", (fd,)))]


def abort(stream, reason):
    """The bytes of the frame that ends a stream without a complete response."""
    return frame(ABORT, stream, reason.encode("utf-8", "backslashreplace")[:4096])


def dumps(value):
    """A value as the payload of a frame has it."""
    return marshal.dumps(value, MARSHAL_VERSION)


def given_back(number, streams):
    """The payload that lists the streams that a thread gives back."""
    return b"".join(map(SIZE.pack, (number, *streams)))

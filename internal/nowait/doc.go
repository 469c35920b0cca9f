// Package nowait reads and writes sockets by system calls that Go's scheduler is not told of. They
// never wait, so it need not know: told, it wakes the thread that watches over system calls, and
// may give the processor away in the midst of one. That costs more than the call itself when little
// is to be done.
//
// Waiting, deadlines and closing are the net package's. Large pieces go its way altogether: copying
// them takes long enough for the scheduler to care.
package nowait

// Package pauses reads what a worker measures of its own interpreter: pauses for garbage
// collection, waits for the global interpreter lock, and how late its event loop is.
//
// The worker writes to memory that it shares with the host. So it sends nothing, the host asks it
// for nothing, and an interpreter that is stuck can still be read.
//
// What workers write is not trusted. It is read as a file is, so that no access to it can fail in
// another way, and numbers that no honest worker writes are left out.
package pauses

// Package load is the client of the benchmark: one thread with epoll that keeps many connections
// busy, or sends requests at a fixed rate and counts their latency from the moment when each should
// have been sent. It runs in a process of its own ([Run]), so that what it uses is told apart from
// what is measured. It speaks just enough HTTP/1.1 and WebSocket for servers that do what they are
// expected to, and is no client for anything else.
package load

// Package load is the client of the benchmark: one thread with epoll that keeps many connections
// busy, or sends requests at a fixed rate and measures their latency from the moment when each
// should have been sent. It runs in a separate process ([Run]), so that its resource usage can be
// distinguished from the servers' usage. It speaks just enough HTTP/1.1 and WebSocket for
// well-behaved servers, and is not a general client.
package load

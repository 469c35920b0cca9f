package listen

import (
	"context"
	"net"

	"golang.org/x/sys/unix"
)

// tcpListener is a TCP socket on which this process alone listens, until it is passed to another.
type tcpListener struct {
	*net.TCPListener
	sharing
}

// listenTCP opens a socket of plain TCP: Linux attaches no filter to one of Multipath TCP, which
// package net would open.
func listenTCP(address string) (net.Listener, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	ln, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	return &tcpListener{TCPListener: ln.(*net.TCPListener)}, nil
}

// refuse admits no further connections: the kernel drops requests for new ones. Connections that
// are established, or about to be, get into the backlog and can be accepted, so that closing the
// socket afterwards resets none of them. Without this, a client could connect between the last
// accept and the close. Clients retry after a second, and are then refused by the closed port, or
// served by the next process that listens there.
//
// If the kernel does not support this, clients are admitted until the socket is closed.
func (ln *tcpListener) refuse() {
	raw, err := ln.SyscallConn()
	if err != nil {
		return // it is closed
	}
	program := unix.SockFprog{Len: uint16(len(dropConnecting)), Filter: &dropConnecting[0]}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program)
	})
}

// Of the flags in a TCP header (RFC 9293 section 3.1).
const (
	flagsOffset = 13
	flagSYN     = 0x02
	flagACK     = 0x10
)

// dropConnecting is a socket filter (Documentation/networking/filter.rst of Linux) that drops
// segments with SYN and without ACK, which begin a connection, and lets pass all others. Accepted
// connections inherit it and never get such.
var dropConnecting = [...]unix.SockFilter{
	{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: flagsOffset},
	{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: flagSYN | flagACK},
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: flagSYN, Jt: 0, Jf: 1},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	{Code: unix.BPF_RET | unix.BPF_K, K: 1<<32 - 1},
}

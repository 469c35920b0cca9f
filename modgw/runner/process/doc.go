// Package process runs programs that serve HTTP themselves, including those built from the app's
// own Go module, and forwards requests to them.
//
// A program need not know of modgw. It inherits a listening socket as descriptor 3, in the way of
// sd_listen_fds(3) (LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES), and gets a port of its own in PORT. It
// uses either: requests go to the first of the two that answers. The rest of the host's environment
// is not passed on.
package process

// Package process runs programs that serve HTTP themselves, those of the app's own Go module among
// them, and passes requests on to them.
//
// A program gets, without having to know of modgw, a listening socket as descriptor 3 in the way of
// sd_listen_fds(3) (LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES) and a port of its own in PORT, and uses
// whichever it likes: the first of the two that answers is the one that gets the requests. Nothing
// else of the host's environment is passed on.
package process

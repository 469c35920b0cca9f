// Package app serves an HTTP handler in any environment in which its program is run: hosted by
// modgw-host, as a CGI or FastCGI program of any web server, started by systemd with a socket, or
// alone. The program is the same binary everywhere:
//
//	func main() {
//		http.HandleFunc("/", hello)
//		if err := app.Serve(http.DefaultServeMux); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// [Serve] checks these conditions, in this order:
//
//	GATEWAY_INTERFACE is set       one request of CGI (RFC 3875), on standard input and output
//	LISTEN_FDS is set for it       HTTP on the inherited descriptor 3, see sd_listen_fds(3)
//	standard input is a listener   FastCGI, as web servers start their programs
//	-listen ADDRESS                HTTP on that address: "127.0.0.1:8080", ":8080" or "unix:PATH"
//	PORT is set                    HTTP on that port of 127.0.0.1
//	none of them                   HTTP on 127.0.0.1:8080
//
// Serve never changes the path of a request. [Mount] returns the app's mount, and [StripMount]
// removes it from the path.
//
// A program does not need this package to be hosted: it can also listen on $PORT itself. The
// package depends on the standard library alone.
package app

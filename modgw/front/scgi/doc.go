// Package scgi is the front for web servers that speak SCGI (nginx's scgi_pass, Apache's
// mod_proxy_scgi, lighttpd's mod_scgi) or uwsgi (nginx's uwsgi_pass, Apache's mod_proxy_uwsgi). In
// both, a connection carries one request: its variables, its body, and then the response until the
// connection ends.
//
// Only requests are accepted: the uwsgi packets by which uWSGI runs code, calls functions, or
// changes files and its own processes are refused, and no variable such as UWSGI_FILE chooses what
// answers.
//
// # What ends what
//
// A body has the length that CONTENT_LENGTH says; what comes after it is a mistake, if it is
// noticed in time. Neither protocol has a way to say that a request is given up: a client that
// closes its side of the connection, or only stops sending before its body is complete, has gone.
// Nor is there a way to say that a response has broken off. Over TCP its connection is reset then,
// which web servers take for an error; over a Unix socket it just ends, and only a Content-Length
// tells that something is missing.
package scgi

// Package scgi is the front for web servers that speak SCGI (nginx's scgi_pass, Apache's
// mod_proxy_scgi, lighttpd's mod_scgi) or uwsgi (nginx's uwsgi_pass, Apache's mod_proxy_uwsgi). In
// both, a connection carries one request: its variables, its body, and then the response until the
// connection ends.
//
// Only requests are accepted: the uwsgi packets with which uWSGI runs code, calls functions, or
// changes files and its own processes are refused, and no variable such as UWSGI_FILE selects the
// app.
//
// # How bodies and requests end
//
// The length of a body is CONTENT_LENGTH. Bytes after it are a mistake, which is reported if
// noticed in time. Neither protocol can cancel a request: a client that closes its side of the
// connection, or that stops sending before its body is complete, counts as gone. Nor can a response
// be marked as broken off. Over TCP its connection is reset, which web servers treat as an error.
// Over a Unix socket the connection just ends, and only a Content-Length shows that bytes are
// missing.
package scgi

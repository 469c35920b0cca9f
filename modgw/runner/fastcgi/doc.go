// Package fastcgi runs FastCGI programs, or talks to some that others run, and gives them requests
// as a web server does (FastCGI 1.0, responder role).
//
// It reads no script: which file a path means it only looks up, for programs that execute scripts,
// such as PHP's.
package fastcgi

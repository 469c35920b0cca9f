// Package fcgi reads and writes the records of the FastCGI 1.0 protocol: headers, name-value pairs
// and the bodies of begin, end and management records, for either side of a connection.
//
// It knows nothing of HTTP, opens no connection, keeps no request and starts no goroutine.
package fcgi

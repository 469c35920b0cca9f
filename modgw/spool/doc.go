// Package spool keeps parts of request and response bodies, so that a slow client costs the host
// memory or disk, but does not occupy a worker. They are kept in memory first, then in an unnamed
// file.
//
// A [Spool] limits the whole host, an [Account] limits one app, and each [Buffer] has a limit of
// its own. The package does not depend on apps, workers or protocols.
package spool

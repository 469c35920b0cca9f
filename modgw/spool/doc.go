// Package spool keeps parts of request and response bodies, so that a slow client costs memory or
// disk of the host and no worker of an app: in memory first, then in a file without a name.
//
// A [Spool] bounds what the host keeps, an [Account] what one app does, and each [Buffer] has a
// limit of its own. The package knows nothing of apps, workers or protocols.
package spool

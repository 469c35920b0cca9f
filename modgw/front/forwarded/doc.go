// Package forwarded reads headers in which proxies describe a request's client, and removes such
// headers of all other senders.
//
// It does not decide who is a proxy: the administrator lists their addresses.
package forwarded

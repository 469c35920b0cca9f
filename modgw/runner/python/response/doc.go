// Package response checks the response that a worker sends in frames and passes it on to the
// client: early hints, head, body, files and trailers.
//
// It knows frames and clients, but neither connections nor workers: the frames come from a
// [Source].
package response

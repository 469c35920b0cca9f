// Package upload reads the bodies of requests before a worker is asked for, so that a slow client holds none of them, and
// says why that failed.
package upload

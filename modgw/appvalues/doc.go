// Package appvalues adds up the metrics that an app makes itself over all of its workers. A worker
// writes the values of its prometheus_client to memory that it shares with the host. So nothing is
// sent for them, and nothing is lost when the worker ends, however it does: the host reads them
// when it shows them, and keeps the sums of workers that have ended.
//
// What workers write is not trusted: lengths, names and the number of series are checked, and it is
// read as a file is, so that no access to it can fail in another way.
package appvalues

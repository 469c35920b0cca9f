// Package appvalues adds up the metrics that an app defines itself over all of its workers. A
// worker writes the values of its prometheus_client to memory that it shares with the host. So
// there are no messages for them, and nothing is lost in any way of ending: the host reads them
// when it shows them, and keeps the sums of workers that have ended.
//
// Workers are not trusted: lengths, names and the number of series are checked, and the memory is
// read as a file, so that an access to it cannot fail in another way.
package appvalues

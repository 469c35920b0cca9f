// Package logbudget bounds how much is logged: so many records and bytes in some time, each kind of
// record for itself, so that what floods the log hides nothing else. What comes beyond is dropped,
// counted, and the count is logged.
package logbudget

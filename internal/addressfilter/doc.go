// Package addressfilter restricts the addresses that the processes of a control group may connect
// and send to, and reports denied attempts.
//
// It covers what Landlock cannot restrict: addresses, and datagrams. It loads programs that the
// kernel runs before a process of a version 2 group connects or sends (bpf(2), cgroups(7)), which
// requires root's rights. It assembles the programs itself, because they are only lists of
// comparisons.
package addressfilter

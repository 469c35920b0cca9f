// Package addressfilter lets the processes of a control group send to and connect to granted
// addresses alone, and reports what else they try.
//
// It is for what Landlock cannot tell apart: addresses, and datagrams. It loads programs of the
// types that the kernel runs before a process of a group of version 2 connects or sends (bpf(2),
// cgroups(7)), for which root's rights are needed. It assembles them itself: they are lists of
// comparisons.
package addressfilter

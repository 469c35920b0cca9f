// Package cgroup limits the resources that the processes of an app use together: memory, processor
// time, processes and disk. It supports version 2 of the kernel's control groups, version 1, and
// machines that have controllers in both (cgroups(7)).
//
// It only writes a few files, so a library would cost more than it saves: the well maintained one
// depends on D-Bus, BPF and protocol buffers.
//
// The package is a leaf and does not know about apps. Its users choose the names of groups, and the
// processes in them.
package cgroup

// Package cgroup bounds what the processes of an app use together: memory, processor time,
// processes and disk. It works with version 2 of the kernel's control groups, with version 1, and
// with machines that have controllers in both (cgroups(7)).
//
// It is a few files that are written, so a library would cost more than it saves: the one that is
// kept well brings D-Bus, BPF and protocol buffers with it.
//
// The package leaf knows nothing of apps. What a group is named by, and which processes belong to
// it, its users say.
package cgroup

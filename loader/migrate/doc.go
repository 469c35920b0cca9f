// Package migrate converts the configuration of other servers of Python apps to descriptors, to the
// new configuration of the web server in front, and to a report that has an entry for every
// directive and option of the sources.
//
// Each format has a package below this one with a [Reader], and each server that is started by a
// command line a [Program]. A reader recognises a file by its content, because names of files are
// not reliable, and puts into a [Plan]
//
//   - apps, each with the settings of one descriptor ([Plan.App]),
//   - files of a web server's new configuration, with places for apps' directives ([WebFile]),
//   - an entry for each directive and option that it has read ([Report]),
//   - and problems: the parts that it could not read, with file and line ([Plan.Problem]).
//
// [Read] does all of that for the sources of a command line, and [Plan.Descriptors] writes the
// descriptors. Nothing of a source is executed: programs are not run, and Python is read as syntax.
// Only the sources and the files that they name are opened, and none is written.
package migrate

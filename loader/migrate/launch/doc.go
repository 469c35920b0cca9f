// Package launch reads files that start servers: units of systemd, programs of supervisor,
// Procfiles, Dockerfiles and shell scripts. It passes their command lines to the programs that a
// plan knows, and gives the resulting apps the properties of the process: user, folder, environment
// and limits.
//
// gopkg.in/ini.v1 does not read them: it has no line numbers, and units repeat their keys.
package launch

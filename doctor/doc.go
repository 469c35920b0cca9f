// Package doctor finds out what is wrong between the clients of apps and the host: in the
// configuration of the web server in front, in rights, certificates and limits of the machine.
//
// It looks at files and asks through the web server. Each finding has a code, and where a
// configuration is wrong the file, the line and the directive. [Doctor.Repair] edits the files,
// and undoes what does not help.
//
// It writes no configuration from scratch, which apache and export do.
package doctor

// Package doctor finds problems between clients and the host: in the configuration of the web
// server in front, in permissions, in certificates, and in the limits of the machine.
//
// It reads files and sends requests through the web server. Each finding has a code and, if a
// configuration is wrong, the file, the line and the directive. [Doctor.Repair] edits the files,
// and reverts edits that do not help.
//
// It does not write configurations from scratch: packages apache and export do.
package doctor

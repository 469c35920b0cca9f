// Package files opens the files of one folder with the rights of one account, creates folders with
// an exact mode, and compares the names of files and folders.
//
// It does not know about HTTP. Only the file system determines which names exist.
package files

// Package files opens the files of one folder with the rights of one account, and creates folders
// with an exact mode.
//
// It does not know about HTTP. Only the file system determines which names exist.
package files

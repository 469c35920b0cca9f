// Package static is the runner for apps that are a folder of files. It has no process.
//
// It lists no folder, compresses nothing itself and runs nothing.
package static

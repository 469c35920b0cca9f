// Package diagnosis describes in one sentence why an app is not well, and recommends a remedy. It
// is a pure function of the host's knowledge about the app: its status, and samples of its figures.
// Without a figure there is no sentence.
package diagnosis

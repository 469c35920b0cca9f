// Package diagnosis says in one sentence why an app is not well, and what helps. It is a pure
// function over what the host knows of the app: its status, and samples of its figures. Where there
// is no figure there is no sentence.
package diagnosis

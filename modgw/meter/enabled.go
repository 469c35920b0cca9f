//go:build !unmetered

package meter

// Enabled reports whether requests are counted and timed, and workers measure their interpreters.
// It is false in a program that is built with the tag unmetered, which is not for users: bench
// builds it to measure the cost.
const Enabled = true

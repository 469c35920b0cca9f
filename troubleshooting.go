// Package manual embeds the pages that the command line shows.
package manual

import _ "embed"

// Troubleshooting is troubleshooting.md: an entry for each error code.
//
//go:embed troubleshooting.md
var Troubleshooting string

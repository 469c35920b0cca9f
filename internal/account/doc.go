// Package account finds the system user that an app runs as, and opens files with that user's
// rights.
//
// It starts no process and knows nothing of apps.
package account

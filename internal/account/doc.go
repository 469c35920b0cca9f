// Package account finds the system user that an app runs as, and opens files with that user's
// rights.
//
// It does not start processes and does not know about apps.
package account

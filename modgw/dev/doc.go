// Package dev is in front of the gateway while an app is developed: it holds requests back until
// changed code is loaded, shows why code does not load or fails, and keeps open pages up to date
// with the code.
//
// It does not watch files or create generations; it receives events about both. A host in
// production does not use it.
package dev

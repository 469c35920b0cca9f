// Package dev is what stands in front of the gateway while an app is developed: it holds requests
// back until changed code is loaded, shows why code does not load or fails, and lets open pages
// follow the code.
//
// It watches no files and makes no generations; it gets events of both. Nothing of it exists in a
// host that serves.
package dev

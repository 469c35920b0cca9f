// Package unit reads configurations of NGINX Unit, and of FreeUnit, which are the same: JSON in the
// format of the control API.
//
// encoding/json provides the tokens. The tree made of them has the line of each key, and keeps keys
// that repeat.
package unit

// Package unit reads configurations of NGINX Unit, and of FreeUnit, which has the same: JSON, as
// the control API shows it and takes it.
//
// encoding/json gives the tokens; the tree that is made of them knows the line of each key, and
// keeps keys that repeat.
package unit

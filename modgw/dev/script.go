package dev

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"strings"
)

//go:embed live.js
var liveSource string

// liveCode is the content of a page's script element; the differences between pages are in its
// attributes.
var liveCode = strings.TrimSpace(liveSource)

// script is the live reload script for one page.
type script struct{ attributes string }

// element returns the script element.
func (s script) element(nonce string) string {
	if nonce != "" {
		nonce = ` nonce="` + nonce + `"`
	}
	return "<script" + s.attributes + nonce + ">" + liveCode + "</script>\n"
}

// hash returns the source expression that allows the script (CSP Level 3, section 2.3.1).
func (s script) hash() string { return hashOf(liveCode) }

func hashOf(code string) string {
	sum := sha256.Sum256([]byte(code))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

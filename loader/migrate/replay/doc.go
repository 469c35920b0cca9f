// Package replay sends the same safe requests to an old and a new server and compares the answers:
// status, headers and bodies.
//
// The requests come from an access log ([ReadLog]), a list ([ReadList]) or the links of the pages
// ([Crawl]). The old server is asked twice for each. Parts that differ between its own two answers,
// such as times, ids and tokens, may differ in the new one's too ([Replay]). A difference is traced
// to the lines of the old configuration that are its likely cause ([Suspects]).
//
// It starts no server and reads no configuration.
package replay

// Package accesslog writes a line for each request that has ended, in the formats that log
// analysers know. Writing never blocks a request: what finds no room is dropped and counted.
package accesslog

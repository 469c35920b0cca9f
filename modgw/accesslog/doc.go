// Package accesslog writes a line for each request that has ended, in the formats that log
// analysers know. Writing never blocks a request: lines that find no room are dropped and counted.
package accesslog

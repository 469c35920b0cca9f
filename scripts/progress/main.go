// Command progress reads what "go test -json" prints and shows what somebody who waits wants to know: how each package
// ended and how long it took, what a failed test printed, at once, and now and then which tests run.
//
//	go test -json ./... | go run ./scripts/progress
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// quiet is how long nothing may be printed until it is said which tests run.
const quiet = 30 * time.Second

func main() {
	lines := make(chan string)
	go func() {
		defer close(lines)
		in := bufio.NewReader(os.Stdin)
		for {
			line, err := in.ReadString('\n')
			if line != "" {
				lines <- line
			}
			if err != nil {
				return
			}
		}
	}()
	if !follow(lines, os.Stdout, time.NewTicker(quiet).C) {
		os.Exit(1)
	}
}

// follow shows the run whose events come in lines, and at each tick which tests run. It reports whether all passed.
func follow(lines <-chan string, out io.Writer, tick <-chan time.Time) bool {
	r := newRun(out)
	for {
		select {
		case line, more := <-lines:
			if !more {
				return r.end()
			}
			var e event
			if json.Unmarshal([]byte(line), &e) != nil {
				fmt.Fprint(out, line) // of the go command itself
				continue
			}
			r.take(e)
		case <-tick:
			r.showRunning()
		}
	}
}

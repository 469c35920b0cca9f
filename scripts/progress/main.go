// Command progress runs "go test -json" and shows the user who waits for it: how each package ended
// and how long it took, the output of a failed test, at once, and from time to time the tests that
// are running.
//
//	progress [-again FLAGS] -- ARGUMENTS of go test
//
// With -again, a test that failed runs once more, alone and with these flags, when all others have
// ended. If it passes, the run has passed, and the last lines name the test as unsteady, with its
// output from the failure. A run with many failures, with a failure of a package outside of its
// tests, with a data race or with a panic has failed.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// quiet is the time without output after which the running tests are shown.
const quiet = 30 * time.Second

func main() {
	again := flag.String("again", "", "flags of go test with which a failed test runs once more; none: it does not")
	flag.Parse()
	r := newRun(os.Stdout)
	err := goTest(r, flag.Args())
	if *again != "" && r.mayRepeat() {
		r.repeat(func(of test, second *run) error {
			only := []string{"-count=1", "-run", "^" + regexp.QuoteMeta(of.name) + "$", of.pkg}
			return goTest(second, append(strings.Fields(*again), only...))
		})
	}
	if !r.end(err) {
		os.Exit(1)
	}
}

// goTest runs go test and passes its events to r. The error is the error of go test.
func goTest(r *run, arguments []string) error {
	cmd := exec.Command("go", append([]string{"test", "-json"}, arguments...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := make(chan string)
	go read(out, lines)
	tick := time.NewTicker(quiet)
	defer tick.Stop()
	follow(r, lines, tick.C)
	return cmd.Wait()
}

// read sends the lines of in and closes the channel at its end.
func read(in io.Reader, lines chan<- string) {
	defer close(lines)
	for r := bufio.NewReader(in); ; {
		line, err := r.ReadString('\n')
		if line != "" {
			lines <- line
		}
		if err != nil {
			return
		}
	}
}

// follow shows the run whose events come in lines, and at each tick which tests run.
func follow(r *run, lines <-chan string, tick <-chan time.Time) {
	for {
		select {
		case line, more := <-lines:
			if !more {
				return
			}
			var e event
			if json.Unmarshal([]byte(line), &e) != nil {
				fmt.Fprint(r.out, line) // of the go command itself
				continue
			}
			r.take(e)
		case <-tick:
			r.showRunning()
		}
	}
}

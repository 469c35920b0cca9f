package load

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Argument is the first argument of a program that should act as the client: it then calls [Main]
// and exits.
const Argument = "load-client"

// Messages of the client on its standard output, before its result.
const (
	beginLine = "begin\n"
	endLine   = "end\n"
	// no more requests are sent; connections are kept until the client's input ends
	overLine = "over\n"
)

// Main does the job that it reads as JSON from in, and writes its result to out.
func Main(in io.Reader, out io.Writer) error {
	var job Job
	if err := json.NewDecoder(in).Decode(&job); err != nil {
		return fmt.Errorf("cannot read the job: %w", err)
	}
	runtime.LockOSThread()
	if job.CPU > 0 {
		var set unix.CPUSet
		set.Set(job.CPU - 1)
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			return fmt.Errorf("cannot run on processor %d: %w", job.CPU, err)
		}
	}
	e, err := newEngine(job)
	if err != nil {
		return err
	}
	say := func(line string) func() { return func() { fmt.Fprint(out, line) } }
	result, err := e.run(Watch{Begun: say(beginLine), Ended: say(endLine), Over: func() {
		fmt.Fprint(out, overLine)
		_, _ = io.Copy(io.Discard, in) // only EOF is expected
	}})
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

// Watch has callbacks for the progress of a job, called with a small delay. Nil callbacks are
// skipped.
type Watch struct {
	Begun func() // counting begins
	Ended func() // counting ends
	Over  func() // all connections are still open, but idle
}

func call(f func()) {
	if f != nil {
		f()
	}
}

// Run does a job in a separate process, which runs this program's own binary.
func Run(ctx context.Context, job Job, w Watch) (Result, error) {
	text, err := json.Marshal(job)
	if err != nil {
		return Result{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return Result{}, err
	}
	cmd := exec.CommandContext(ctx, self, Argument)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=400")
	var complaint strings.Builder
	cmd.Stderr = &complaint
	in, err := cmd.StdinPipe()
	if err != nil {
		return Result{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return Result{}, err
	}
	if err := cmd.Start(); err != nil {
		return Result{}, err
	}
	_, _ = in.Write(append(text, '\n')) // if the client has ended, its error is reported below
	over := w.Over
	w.Over = func() {
		call(over)
		in.Close()
	}
	result, readErr := listen(bufio.NewReader(out), w)
	in.Close()
	if err := cmd.Wait(); err != nil {
		return Result{}, fmt.Errorf("cannot ask %s: %w: %s", job.Address, err, strings.TrimSpace(complaint.String()))
	}
	return result, readErr
}

func listen(out *bufio.Reader, w Watch) (result Result, err error) {
	for {
		line, err := out.ReadString('\n')
		if err != nil {
			return result, fmt.Errorf("the client ended early: %w", err)
		}
		switch line {
		case beginLine:
			call(w.Begun)
		case endLine:
			call(w.Ended)
		case overLine:
			call(w.Over)
		default:
			return result, json.Unmarshal([]byte(line), &result)
		}
	}
}

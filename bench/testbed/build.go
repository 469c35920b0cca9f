package testbed

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// module is the path of the module whose programs are built.
const module = "github.com/modgw/modgw/"

// BuildHost builds modgw-host with build tags into a folder and returns its path.
func BuildHost(ctx context.Context, dir string, tags ...string) (program string, err error) {
	program = filepath.Join(dir, "modgw-host")
	return program, Build(ctx, program, "cmd/modgw-host", tags...)
}

// Build builds the program of a package of this module with build tags.
func Build(ctx context.Context, program, pkg string, tags ...string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", strings.Join(tags, ","), "-o", program, module+pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// HostProgram returns program; where that is "", it builds modgw-host into a folder.
func HostProgram(ctx context.Context, dir, program string) (string, error) {
	if program != "" {
		return program, nil
	}
	return BuildHost(ctx, dir)
}

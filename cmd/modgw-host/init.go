package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/loader"
)

func newInit(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a descriptor for the project in a folder",
		Args:  arguments(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			path, src, err := loader.Init(firstOf(args, "."))
			if err != nil {
				return err
			}
			if err := writeNew(path, src); err != nil {
				return err
			}
			fmt.Fprintf(c.stdout, "%s\n", path)
			fmt.Fprintf(c.stderr, "Wrote %s.\nTo try it:    modgw-host dev %s\nTo check it:  modgw-host check %s\n", path, path, path)
			return nil
		},
	}
}

// writeNew writes a file that must not be there yet. Root gives it to the owner of the folder.
func writeNew(path string, src []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot write %q: it is there already, and is left as it is", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(src)
	return errors.Join(err, giveToOwner(f, filepath.Dir(path)), f.Close())
}

// giveToOwner makes a file that root has created one of the folder's owner, who is to edit it.
func giveToOwner(f *os.File, dir string) error {
	info, err := os.Stat(dir)
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t)
	return f.Chown(int(owner.Uid), int(owner.Gid))
}

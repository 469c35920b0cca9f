package loader

import (
	"os"
	"runtime"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw/claims"
)

// Options are the settings of a load. The zero value is for a host without settings.
type Options struct {
	// Vars are the values of var.* that the command line gave. They win over MODGW_VAR_name in the
	// environment, which wins over the default in the file.
	Vars map[string]string

	// Defaults are those of the host file; nil: none.
	Defaults *Defaults

	// Tenants are those of the host file. Empty: each user may claim anything that is free.
	Tenants claims.Tenants

	// Account is the user with whose rights files are read, and the only one that the apps may run
	// as. nil: this process's own user. A root process then reads files that other users can change
	// with the rights of those users, and apps in such a descriptor may run only as its owner.
	Account *account.Account

	// Root means that the apps are for a host of root that others use: it causes a warning about
	// apps without a user.
	Root bool

	// Machine means that the apps are for this machine: a missing user is an error, and a file or
	// folder that may appear later, such as that of an alias, causes a warning.
	Machine bool

	// Unenforced are the arguments of the limits block that do not hold on this machine; they are
	// warned of.
	Unenforced []string

	// Unconfined are the parts of a sandbox that this machine cannot confine; they are warned of.
	Unconfined []string

	// CannotFreeze means that this machine cannot freeze the processes of apps; a setting that
	// requires it causes a warning.
	CannotFreeze bool

	// Elsewhere means that the apps are for another machine: files and folders that they name need
	// not exist on this one.
	Elsewhere bool

	// Getenv looks a variable up in the host's environment; nil: [os.LookupEnv].
	Getenv func(string) (string, bool)

	CPUs     int    // host.cpus; 0: the number of this machine
	Hostname string // host.name; "": that of this machine

	tools *tools // nil: new ones
}

func (o Options) getenv(name string) (string, bool) {
	if o.Getenv != nil {
		return o.Getenv(name)
	}
	return os.LookupEnv(name)
}

func (o Options) cpus() int {
	if o.CPUs > 0 {
		return o.CPUs
	}
	return runtime.NumCPU()
}

func (o Options) hostname() string {
	if o.Hostname != "" {
		return o.Hostname
	}
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

package loader

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
)

// user decides which user an app runs as. The owner of a descriptor cannot name another user: that
// would give the owner the other user's rights. Nothing runs as root by name.
func (d *decoder) user(desc *modgw.Descriptor, written *hclsyntax.Block) {
	as := d.scope.files.as
	if as != nil {
		desc.Owner = as.Name
		if written.Body.Attributes["user"] == nil {
			desc.User = as.Name
		}
		if written.Body.Attributes["group"] == nil && desc.Group != "" && !inGroup(as, desc.Group) {
			desc.Group = ""
		}
		if written.Body.Attributes["groups"] == nil {
			desc.Groups = slices.DeleteFunc(slices.Clone(desc.Groups), func(group string) bool { return !inGroup(as, group) })
		}
	}
	switch {
	case as != nil && desc.User != as.Name && desc.User != strconv.Itoa(int(as.UID)):
		d.add(codeOwner, rangeOfArgument(written, "user"), fmt.Sprintf("The app may not run as %q", desc.User),
			fmt.Sprintf("The descriptor belongs to user %q, and its app can only run as that user. Root may own it instead.", as.Name))
	case as != nil && desc.Group != "" && !inGroup(as, desc.Group):
		d.add(codeOwner, rangeOfArgument(written, "user"), fmt.Sprintf("The app may not run with group %q", desc.Group),
			fmt.Sprintf("The descriptor belongs to user %q, who is not in that group.", as.Name))
	case as != nil && slices.ContainsFunc(desc.Groups, func(group string) bool { return !inGroup(as, group) }):
		d.add(codeOwner, rangeOfArgument(written, "groups"), "The app may not run with these groups",
			fmt.Sprintf("The descriptor belongs to user %q, who is not in all of them.", as.Name))
	// The host file may give such a priority to all apps.
	case as != nil && desc.Nice < 0 && written.Body.Attributes["nice"] != nil:
		d.add(codeOwner, rangeOfArgument(written, "nice"), "The app may not run with a higher priority than the host",
			fmt.Sprintf("The descriptor belongs to user %q. Give nice a number from 0 to 19, or let root own the descriptor.", as.Name))
	case desc.User != "" && d.scope.opts.tools.isRoot(desc.User, desc.Group, desc.Groups):
		d.add(codeRoot, rangeOfArgument(written, "user"), fmt.Sprintf("The app may not run as root, by user %q or its group", desc.User),
			fmt.Sprintf("Give it a user of its own: %s. Without any, it has the rights of the host.", ownUser(desc.Name)))
	}
}

// warnOfRoot warns of the apps that have root's rights because they have no user.
func warnOfRoot(files []*File, opts Options) {
	if !opts.Root {
		return
	}
	for _, f := range files {
		for _, a := range f.apps {
			if a.User != "" || a.broken {
				continue
			}
			rng := a.name
			if a.File == "" {
				rng = hcl.Range{}
			}
			f.warn(codeRoot, rng, fmt.Sprintf("The app %q runs as root", a.Name), fmt.Sprintf("Give it a user of its own: %s.", ownUser(a.Name)))
		}
	}
}

// ownUser explains how to give an app a user.
func ownUser(name modgw.AppName) string {
	return fmt.Sprintf("useradd --system %s, and user = %q in the descriptor", name, name)
}

// rangeOfArgument is where a block has an argument, or else its head.
func rangeOfArgument(written *hclsyntax.Block, argument string) hcl.Range {
	if attr := written.Body.Attributes[argument]; attr != nil {
		return attr.Expr.Range()
	}
	return written.DefRange()
}

func inGroup(as *account.Account, group string) bool {
	wanted, err := account.Lookup(as.Name, group)
	if err != nil {
		return false
	}
	return wanted == nil || wanted.GID == as.GID || slices.Contains(as.Groups, wanted.GID)
}

// isRoot reports whether a user, with other groups where they are named, has root's rights. A user
// who is not known here has none; the deploy reports it.
func (t *tools) isRoot(user, group string, groups []string) bool {
	key := [2]string{user, strings.Join(append([]string{group}, groups...), " ")}
	is, known := t.roots[key]
	if !known {
		_, err := account.Lookup(user, group, groups...)
		is = errors.Is(err, account.ErrRoot)
		t.roots[key] = is
	}
	return is
}

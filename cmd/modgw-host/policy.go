package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
	"github.com/modgw/modgw/modgw/control"
)

func newPolicy(c console) *cobra.Command {
	var s settings
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "policy [USER]",
		Short: "Show what users may claim with their descriptors, and what they use",
		Long: `Show what users may claim with their descriptors, and what they use.
Administrators see all tenants, other users only their own. If no host runs, the
command reads the host's file and the last claims.`,
		Example: "  modgw-host policy\n  modgw-host policy shopteam --json",
		Args:    arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			policy, err := s.policy(cmd)
			if err != nil {
				return err
			}
			if len(args) > 0 {
				policy.Tenants = slices.DeleteFunc(policy.Tenants, func(t control.TenantPolicy) bool { return t.User != args[0] })
				if len(policy.Tenants) == 0 {
					return fmt.Errorf("cannot show the policy of %q: the host file has no tenant of that name", args[0])
				}
			}
			if asJSON {
				return c.json(policy)
			}
			return c.policy(policy, len(args) > 0)
		},
	}
	s.bind(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// policy asks the running host, or reads the host file when none runs.
func (s *settings) policy(cmd *cobra.Command) (control.Policy, error) {
	client, err := s.client()
	if err != nil {
		return control.Policy{}, err
	}
	policy, err := client.Policy(cmd.Context())
	file := s.hostFileFor(nil)
	if !errors.Is(err, control.ErrNoHost) || file == "" {
		return policy, err
	}
	read, _, diags := loader.LoadHost(file, loader.Options{Vars: s.vars})
	if err := diags.Err(); err != nil {
		return control.Policy{}, err
	}
	h, err := s.host()
	if err != nil {
		return control.Policy{}, err
	}
	held, _ := claims.StoreIn(h.State()).Read() // another user's cannot be read
	return control.PolicyOf(*read, held, nil), nil
}

// policy prints the tenants as a table, or one of them with all that it has.
func (c console) policy(p control.Policy, whole bool) error {
	if len(p.Tenants) == 0 {
		_, err := fmt.Fprintln(c.stdout, "No tenants: each user may claim any free name, host and mount.")
		return err
	}
	rows := [][]string{{"USER", "APPS", "HOSTS", "MOUNTS", "CEILINGS"}}
	for _, t := range p.Tenants {
		most := "any number"
		if t.Apps > 0 {
			most = strconv.Itoa(t.Apps)
		}
		var ceilings []string
		for _, name := range slices.Sorted(maps.Keys(t.Ceilings)) {
			ceilings = append(ceilings, name+"="+t.Ceilings[name])
		}
		if t.Disk > 0 {
			ceilings = append(ceilings, "disk="+modgw.FormatSize(t.Disk))
		}
		rows = append(rows, []string{
			t.User, fmt.Sprintf("%d of %s", len(t.Claims), most), listed(t.Hosts), listed(t.Mounts), listed(ceilings),
		})
	}
	if err := c.table(rows); err != nil || !whole {
		return err
	}
	if used := p.Tenants[0].Used; used != nil {
		fmt.Fprintf(c.stdout, "\nDisk use, as of the last build: %s\n", used)
	}
	fmt.Fprintln(c.stdout)
	rows = [][]string{{"APP", "PLACE", "DESCRIPTOR"}}
	for _, t := range p.Tenants {
		for _, claim := range t.Claims {
			rows = append(rows, []string{string(claim.App), placeOf(claim.Hosts, claim.Mount), claim.File})
		}
	}
	return c.table(rows)
}

// listed joins words for a cell of a table.
func listed(words []string) string {
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, ", ")
}

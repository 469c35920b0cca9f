package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
)

// variables lists the variables that the host needs, their values, and the code of the problem if
// one is missing.
var variables = []struct {
	name, value, code string
	right             []string // other values that do
}{

	{"REQUEST_METHOD", "$request_method", "MGW-DOC-028", nil},
	{"REQUEST_URI", "$request_uri", "MGW-DOC-028", nil},
	{"QUERY_STRING", "$query_string", "MGW-DOC-011", []string{"$args"}},
	{"CONTENT_TYPE", "$content_type", "MGW-DOC-028", []string{"$http_content_type"}},
	{"CONTENT_LENGTH", "$content_length", "MGW-DOC-019", []string{"$http_content_length"}},
	{"SERVER_PROTOCOL", "$server_protocol", "MGW-DOC-028", nil},
	{"REMOTE_ADDR", "$remote_addr", "MGW-DOC-007", []string{"$realip_remote_addr", "$proxy_protocol_addr"}},
	{"HTTPS", "$https if_not_empty", "MGW-DOC-006", []string{"$https", "on"}},
}

func (n *nginx) checkVariables(p *place) (found []Finding) {
	if p.route.protocol == "http" {
		return nil
	}
	list := effectiveList(p.route.section, p.module()+"_param")
	var missing []string
	for _, v := range variables {
		if v.name == "HTTPS" && !p.site.tls {
			continue
		}
		line := fmt.Sprintf("%s_param %s %s;", p.module(), v.name, v.value)
		var set *webconf.Directive
		for _, d := range list {
			if d.Arg(0) == v.name {
				set = d
			}
		}
		var args []any
		if v.code == "MGW-DOC-028" {
			args = []any{v.name}
		}
		scheme := slices.ContainsFunc(list, func(d *webconf.Directive) bool { return d.Arg(0) == "REQUEST_SCHEME" })
		switch {
		case set == nil && v.name == "HTTPS" && scheme:
		case set == nil:
			missing = append(missing, line)
			found = append(found, p.finding(v.code, args...).at(p.route.at, p.module()+"_param "+v.name))
		case set.Arg(1) != strings.TrimSuffix(v.value, " if_not_empty") && !slices.Contains(v.right, set.Arg(1)):
			found = append(found, p.finding(v.code, args...).at(set, set.Name+" "+v.name).by(line, replace(set, line)))
		}
	}
	return n.addVariables(p, found, list, missing)
}

// addVariables adds the missing variables to each finding's edits. A location with variables of its
// own inherits none, so it gets all variables of the enclosing block again.
func (n *nginx) addVariables(p *place, found []Finding, list []*webconf.Directive, missing []string) []Finding {
	if len(list) > 0 && list[0].Parent != p.route.section {
		for _, d := range list {
			missing = append(missing, fmt.Sprintf("%s %s;", d.Name, quotedArgs(d)))
		}
	}
	for i, f := range found {
		if f.edits != nil {
			continue
		}
		fix, _, _ := strings.Cut(strings.Join(missing, " "), "; ")
		if len(missing) > 1 {
			fix = fmt.Sprintf("include fastcgi_params, or the %d variables that are missing", len(missing))
		}
		found[i] = f.by(fix, within(p, missing...))
	}
	return found
}

// quotedArgs are the arguments of a directive as nginx reads them again.
func quotedArgs(d *webconf.Directive) string {
	var args []string
	for _, a := range d.Args {
		if a == "" || strings.ContainsAny(a, " \t;{}\"'") {
			a = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a) + `"`
		}
		args = append(args, a)
	}
	return strings.Join(args, " ")
}

package loader

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	urlpath "path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// appName takes the label of an app block.
func appName(dst *modgw.AppName) func(*leaf) {
	return func(l *leaf) {
		s := l.value.AsString()
		if !validName.MatchString(s) || len(s) > 64 || strings.Trim(s, ".") == "" {
			l.add(codeAddress, l.rng, fmt.Sprintf("Invalid app name %s", l.shown(s)),
				"A name is 1 to 64 letters, digits, \"-\", \"_\" and \".\", and more than dots.")
			return
		}
		*dst = modgw.AppName(s)
	}
}

var validName = lazyregexp.New(`^[A-Za-z0-9._-]+$`)

// aliasPath takes the label of an alias block.
func aliasPath(dst *string) func(*leaf) {
	return func(l *leaf) {
		clean, why := cleanMount(l.value.AsString())
		if why == "" && clean == "/" {
			why = "it would hide the whole app; a static app serves a folder at its mount"
		}
		if why != "" {
			l.add(codeAddress, l.rng, fmt.Sprintf("Invalid path %s", l.shown(l.value.AsString())), sentence(why))
			return
		}
		*dst = clean
	}
}

func mountPath(dst *modgw.MountPath) value {
	return parsed("URL path", dst, func(l *leaf, s string) (modgw.MountPath, bool) {
		clean, why := cleanMount(s)
		if why != "" {
			l.fail(codeAddress, sentence(why))
		}
		return modgw.MountPath(clean), why == ""
	})
}

func mountMatch(dst *string) value {
	return parsed("regular expression", dst, func(l *leaf, s string) (string, bool) {
		_, err := modgw.CompileMountMatch(s)
		switch {
		case s == "":
			l.fail(codeAddress, "It must not be empty.")
		case strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f }):
			l.fail(codeAddress, "It must not have control characters.")
		case err != nil:
			l.fail(codeAddress, sentence(err.Error()))
		default:
			return s, true
		}
		return "", false
	})
}

// urlPath is the path of a request, with a query perhaps.
func urlPath(dst *string) value {
	return parsed("URL path", dst, func(l *leaf, s string) (string, bool) {
		switch {
		case !strings.HasPrefix(s, "/"):
			l.fail(codeAddress, fmt.Sprintf("It must begin with \"/\": %s = %q", l.name, "/"+s))
		case strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '#' }):
			l.fail(codeAddress, "It must not have spaces, control characters or \"#\".")
		default:
			return s, true
		}
		return "", false
	})
}

// cleanMount removes one slash at the end of a mount, and returns the reason if it is invalid.
func cleanMount(s string) (clean, why string) {
	clean = s
	if len(s) > 2 {
		clean = strings.TrimSuffix(s, "/")
	}
	switch {
	case s == "":
		return "", `it must not be empty; "/" is the whole site`
	case !strings.HasPrefix(s, "/"):
		return "", fmt.Sprintf("it must begin with a slash: %q", "/"+s)
	case strings.Contains(clean, "%"):
		return "", "write the path decoded, without \"%\""
	case strings.ContainsFunc(clean, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return "", "it must not have control characters"
	case strings.ContainsAny(clean, "?#"):
		return "", "it must not have a query or fragment"
	case urlpath.Clean(clean) != clean:
		return "", fmt.Sprintf("it must not have \".\", \"..\" or double slashes: %q", urlpath.Clean(clean))
	}
	return clean, ""
}

func hostNames(dst *[]string) value {
	in := listOf("list of host names", codeAddress, dst, func(l *leaf, given string) (name, why string) {
		if name, why = cleanHost(given); why != "" {
			why = fmt.Sprintf("%s is not a host name: %s.", l.shown(given), why)
		}
		return name, why
	})
	return value{form: in.form, set: func(l *leaf) {
		in.set(l)
		var once []string
		for _, name := range *dst {
			if !slices.Contains(once, name) {
				once = append(once, name)
			}
		}
		*dst = once
	}}
}

var label = lazyregexp.New(`^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$`)

// cleanHost is a host name as the Gateway compares it, or why it is none. An international name is
// compared as browsers send it: in its "xn--" form.
func cleanHost(given string) (name, why string) {
	name = strings.TrimSuffix(strings.ToLower(given), ".")
	if strings.ContainsFunc(name, func(c rune) bool { return c > 0x7f }) && !strings.ContainsAny(name, ":/") {
		below, wild := strings.CutPrefix(name, "*.")
		ascii, err := idna.Lookup.ToASCII(below)
		if err != nil {
			return "", "it is not a valid international name"
		}
		if name = ascii; wild {
			name = "*." + ascii
		}
	}
	if ip := net.ParseIP(strings.Trim(name, "[]")); ip != nil {
		return strings.Trim(name, "[]"), ""
	}
	host, _, err := net.SplitHostPort(name)
	switch {
	case name == "":
		return "", "it is empty"
	case name == "*":
		return "", "leave hosts out to answer for any host"
	case strings.Contains(name, "://"), strings.Contains(name, "/"):
		return "", "write the name alone, without scheme and path"
	case err == nil:
		return "", fmt.Sprintf("ports are not looked at; write %q", host)
	case len(name) > 253:
		return "", "it is longer than 253 bytes"
	}
	for i, part := range strings.Split(name, ".") {
		switch {
		case i == 0 && part == "*":
		case strings.Contains(part, "*"):
			return "", `"*" can only be the whole first label, as in "*.example.com"`
		case !label.MatchString(part):
			return "", fmt.Sprintf("the label %q is not allowed in one", part)
		}
	}
	return name, ""
}

// listenAddress is an address to listen on.
func listenAddress[T ~string](dst *T) value {
	return parsed("unix:PATH or HOST:PORT", dst, func(l *leaf, s string) (T, bool) {
		address, err := modgw.ParseAddress(s)
		if err != nil {
			l.fail(codeAddress, sentence(err.Error()))
		}
		return T(address), err == nil
	})
}

// listenKind takes the label of a listen block.
func listenKind(dst *string) func(*leaf) {
	return oneOf(dst, modgw.Protocols()...).set
}

// permissions are the permissions of a file, in octal digits.
func permissions(dst *uint32) value {
	return parsed("permissions in octal, such as \"0660\"", dst, func(l *leaf, s string) (uint32, bool) {
		mode, err := strconv.ParseUint(s, 8, 32)
		if err != nil || mode > 0o777 || mode == 0 {
			l.wrong("%q must be permissions in octal such as \"0660\", not %s.", l.name, l.shown(s))
			return 0, false
		}
		return uint32(mode), true
	})
}

// webURL is a URL of the web.
func webURL(dst *string, example string) value {
	return parsed("URL", dst, func(l *leaf, s string) (string, bool) {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			l.fail(codeAddress, fmt.Sprintf("It must be a URL such as %q.", example))
			return "", false
		}
		return s, true
	})
}

// networks are addresses, each with the length of its prefix or alone.
func networks(dst *[]netip.Prefix) value {
	return listOf("list of networks", codeAddress, dst, func(l *leaf, s string) (prefix netip.Prefix, why string) {
		prefix, err := parseNetwork(s)
		if err != nil {
			why = fmt.Sprintf("%s is not a network such as \"10.0.0.0/8\".", l.shown(s))
		}
		return prefix, why
	})
}

func parseNetwork(s string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(s)
	return prefix.Masked(), err
}

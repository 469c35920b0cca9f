package fastcgi

import (
	"maps"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// phpOptions returns the options of a PHP that the host starts: the descriptor's settings, and one
// that makes OPcache check scripts on each request, so that a saved page is seen at once. It
// returns nil for other programs.
func phpOptions(f modgw.FastCGI) []string {
	if !f.IsPHP() {
		return nil
	}
	var options []string
	if _, set := f.INI["opcache.revalidate_freq"]; !set {
		options = append(options, "-d", "opcache.revalidate_freq=0")
	}
	for _, name := range slices.Sorted(maps.Keys(f.INI)) {
		options = append(options, "-d", name+"="+f.INI[name])
	}
	return options
}

// phpAdminValue are the descriptor's settings as PHP-FPM takes them with each request; "" for none.
func phpAdminValue(f modgw.FastCGI) string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(f.INI)) {
		lines = append(lines, name+"="+f.INI[name])
	}
	return strings.Join(lines, "\n")
}

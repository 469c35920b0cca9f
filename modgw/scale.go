package modgw

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// MostWorkers is the largest number of workers of an app.
const MostWorkers = 1024

// Scale is the smallest and the largest number of workers of an app. If they differ, the load
// decides. The zero value is that of an app without workers.
type Scale struct {
	Min int `json:"min"` // workers that there are without any load
	Max int `json:"max"` // workers that there are at most
}

// IsFixed reports whether the number of workers does not depend on the load.
func (s Scale) IsFixed() bool { return s.Min == s.Max }

// Clamp returns the number within s that is nearest to n.
func (s Scale) Clamp(n int) int { return min(max(n, s.Min), s.Max) }

// String writes s as [ParseScale] reads it: "4" or "1..8".
func (s Scale) String() string {
	if s.IsFixed() {
		return strconv.Itoa(s.Max)
	}
	return fmt.Sprintf("%d..%d", s.Min, s.Max)
}

// ParseScale reads a number of workers, "4", or its bounds, "1..8".
func ParseScale(text string) (Scale, error) {
	least, most, isRange := strings.Cut(text, "..")
	if !isRange {
		most = least
	}
	from, err := strconv.Atoi(least)
	to, err2 := strconv.Atoi(most)
	if cmp.Or(err, err2) != nil || from < 1 || to < from || to > MostWorkers {
		return Scale{}, &Fault{
			Code:    "MGW-APP-113",
			Summary: fmt.Sprintf("cannot read %q as a number of workers", text),
			Hint:    fmt.Sprintf("write a number from 1 to %d, such as 4, or the least and the most, such as 1..8", MostWorkers),
		}
	}
	return Scale{from, to}, nil
}

// Scale returns the number of workers that the descriptor asks for, with its defaults filled in.
func (d Descriptor) Scale() Scale {
	least, most := workersOf(&d)
	if least == nil || d.FastCGI != nil && d.FastCGI.Connect != "" {
		return Scale{}
	}
	n := cmp.Or(*least, defaultWorkers(&d))
	if *most == 0 {
		return Scale{n, n}
	}
	return Scale{min(n, *most), *most}
}

// WithScale returns d with another number of workers. d must have workers.
func (d Descriptor) WithScale(s Scale) Descriptor {
	switch {
	case d.WSGI != nil:
		d.WSGI = new(*d.WSGI)
	case d.ASGI != nil:
		d.ASGI = new(*d.ASGI)
	case d.Go != nil:
		d.Go = new(*d.Go)
	case d.HTTP != nil:
		d.HTTP = new(*d.HTTP)
	case d.FastCGI != nil:
		d.FastCGI = new(*d.FastCGI)
	}
	least, most := workersOf(&d)
	if *least, *most = s.Min, s.Max; s.IsFixed() {
		*most = 0
	}
	return d
}

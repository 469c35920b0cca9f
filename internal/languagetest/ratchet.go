package languagetest

import (
	"bufio"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// A Ratchet holds the number of findings that each folder may have, by rule. It may only go down.
type Ratchet map[string]map[Rule]int

// Count returns the numbers of findings of each folder.
func Count(found []Finding) Ratchet {
	r := Ratchet{}
	for _, f := range found {
		folder := path.Dir(f.File)
		if r[folder] == nil {
			r[folder] = map[Rule]int{}
		}
		r[folder][f.Rule]++
	}
	return r
}

// ParseRatchet parses the output of Format. After a merge in Git, a folder may have two lines; the
// lower numbers count.
func ParseRatchet(text string) (Ratchet, error) {
	r := Ratchet{}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		numbers, err := parseNumbers(fields[1:])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", fields[0], err)
		}
		for rule, number := range r[fields[0]] {
			numbers[rule] = min(numbers[rule], number)
		}
		r[fields[0]] = numbers
	}
	return r, lines.Err()
}

func parseNumbers(fields []string) (map[Rule]int, error) {
	numbers := map[Rule]int{}
	for _, rule := range Rules {
		numbers[rule] = 0
	}
	for _, field := range fields {
		var number int
		rule, value, _ := strings.Cut(field, "=")
		if _, err := fmt.Sscan(value, &number); err != nil || !slices.Contains(Rules, Rule(rule)) {
			return nil, fmt.Errorf("%q is not a rule and a number", field)
		}
		numbers[Rule(rule)] = number
	}
	return numbers, nil
}

// Format writes a line for each folder. The empty lines between them let Git merge branches that
// change neighbours.
func (r Ratchet) Format() string {
	var b strings.Builder
	for _, folder := range slices.Sorted(maps.Keys(r)) {
		var numbers strings.Builder
		for _, rule := range Rules {
			if n := r[folder][rule]; n > 0 {
				fmt.Fprintf(&numbers, " %s=%d", rule, n)
			}
		}
		if numbers.Len() > 0 {
			fmt.Fprintf(&b, "\n%s%s\n", folder, numbers.String())
		}
	}
	return b.String()
}

// A Difference is a number of findings that differs from the ratchet's.
type Difference struct {
	Folder  string // relative to the module; "." is its root
	Rule    Rule   // the rule whose numbers differ
	Allowed int    // the number in the ratchet
	Found   int    // the number of findings
}

// More reports whether more was found than is allowed.
func (d Difference) More() bool { return d.Found > d.Allowed }

func (d Difference) String() string {
	if d.More() {
		return fmt.Sprintf("%s: %d %s, at most %d are allowed", d.Folder, d.Found, d.Rule, d.Allowed)
	}
	return fmt.Sprintf("%s: %s can go down from %d to %d", d.Folder, d.Rule, d.Allowed, d.Found)
}

// Compare returns where these numbers differ from the ratchet, by folder.
func (r Ratchet) Compare(found Ratchet) []Difference {
	var all []Difference
	folders := maps.Clone(r)
	maps.Copy(folders, found)
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		for _, rule := range Rules {
			if d := (Difference{folder, rule, r[folder][rule], found[folder][rule]}); d.Found != d.Allowed {
				all = append(all, d)
			}
		}
	}
	return all
}

// Lower returns the numbers found as the new ratchet. The number of a folder never rises. A new
// folder may have as many as other folders have lost, so that packages can be moved and renamed.
func (r Ratchet) Lower(found Ratchet) (Ratchet, error) {
	for folder := range found {
		for _, rule := range Rules {
			if r[folder] != nil && found[folder][rule] > r[folder][rule] {
				return nil, fmt.Errorf("%s has %d %s and may have %d",
					folder, found[folder][rule], rule, r[folder][rule])
			}
		}
	}
	for _, rule := range Rules {
		if was, is := r.total(rule), found.total(rule); is > was {
			return nil, fmt.Errorf("all folders together have %d %s and may have %d", is, rule, was)
		}
	}
	return found, nil
}

func (r Ratchet) total(rule Rule) int {
	sum := 0
	for _, numbers := range r {
		sum += numbers[rule]
	}
	return sum
}

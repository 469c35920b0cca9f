package languagetest

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxColumns = 100

var (
	//go:embed words.txt
	wordList string
	//go:embed names.txt
	nameList string
	//go:embed vague.txt
	vagueList string

	wordsRather = newList(wordList)
	namesRather = newList(nameList)
	vagueRather = newList(vagueList)

	codeBlock  = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	quotedWord = regexp.MustCompile(`"\w+\\?"`)
	codeSpan   = regexp.MustCompile("`[^`\n]*`")
	notNewline = regexp.MustCompile(`[^\n]+`)
)

// A list maps first words to phrases.
type list map[string][]phrase

// A phrase is a sequence of words that does not belong in a text.
type phrase struct {
	words  []string
	text   string // the words, with spaces between them
	rather string // the words to write instead
}

func newList(text string) list {
	l := list{}
	for line := range strings.Lines(text) {
		phrases, rather, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		for text := range strings.SplitSeq(phrases, ", ") {
			words := strings.Fields(text)
			l[words[0]] = append(l[words[0]], phrase{words, text, rather})
		}
	}
	return l
}

// words finds phrases of words.txt, each on one line. A single word in quotes is a name, such as
// the user "nobody".
func (c *checker) words(text string) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		c.phrases(number, Words, wordsOf(line), wordsRather)
	}
}

// vague finds phrases of vague.txt in one comment, each on one line.
func (c *checker) vague(number int, comment string) {
	for line := range strings.Lines(comment) {
		c.phrases(number, Vague, wordsOf(line), vagueRather)
		number++
	}
}

// vagueLines finds phrases of vague.txt in the lines of a script that are comments.
func (c *checker) vagueLines(text string) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		if isComment(number, line) {
			c.vague(number, line)
		}
	}
}

// wordsOf returns the words of a line in small letters. A single word in quotes is none.
func wordsOf(line string) []string {
	if strings.Contains(line, `"`) {
		line = quotedWord.ReplaceAllString(line, ".")
	}
	words := strings.FieldsFunc(line, notOfName)
	for i := range words {
		words[i] = smallFirst(words[i])
	}
	return words
}

// names finds phrases of names.txt as parts of names.
func (c *checker) names(text string) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		for name := range strings.FieldsFuncSeq(line, notOfName) {
			c.phrases(number, Names, parts(name), namesRather)
		}
	}
}

func (c *checker) phrases(line int, rule Rule, words []string, l list) {
	for i, word := range words {
		for _, p := range l[word] {
			if len(p.words) <= len(words)-i && slices.Equal(p.words, words[i:i+len(p.words)]) {
				c.add(line, rule, fmt.Sprintf("%q; rather: %s", p.text, p.rather))
			}
		}
	}
}

// parts returns the parts of a name in small letters: "new" and "pool" of newPool and new_pool.
func parts(name string) []string {
	var all []string
	for part := range strings.SplitSeq(name, "_") {
		start := 0
		for i, r := range part {
			if i > start && unicode.IsUpper(r) {
				all = append(all, smallFirst(part[start:i]))
				start = i
			}
		}
		if start < len(part) {
			all = append(all, smallFirst(part[start:]))
		}
	}
	return all
}

func notOfName(r rune) bool { return r != '_' && !unicode.IsLetter(r) }

func smallFirst(word string) string {
	if word[0] < 'A' || word[0] > 'Z' {
		return word
	}
	return strings.ToLower(word[:1]) + word[1:]
}

// columns finds lines that are too long among those that counts selects.
func (c *checker) columns(text string, counts func(number int, line string) bool) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		if width := columnsOf(line); width > maxColumns && counts(number, line) {
			c.add(number, Columns, fmt.Sprintf("%d columns", width))
		}
	}
}

// columnsOf returns the width of a line, counting a tab as four columns.
func columnsOf(line string) int {
	return utf8.RuneCountInString(strings.TrimRight(line, "\n")) + 3*strings.Count(line, "\t")
}

// withoutCode empties the code of a page and keeps the numbers of its lines.
func withoutCode(page string) string {
	page = codeBlock.ReplaceAllStringFunc(page, func(block string) string {
		return notNewline.ReplaceAllString(block, "")
	})
	return codeSpan.ReplaceAllString(page, "")
}

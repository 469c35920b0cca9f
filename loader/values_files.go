package loader

import (
	"fmt"
	"mime"
	"strings"
	"time"
	"unicode"
)

// fileNames are names of files, without a folder.
func fileNames(dst *[]string) value {
	return listOf("list of strings", codeValue, dst, func(l *leaf, name string) (_, why string) {
		if name == "" || strings.ContainsAny(name, "/\x00") {
			why = fmt.Sprintf("Every element of %q must be the name of a file, without a slash.", l.name)
		}
		return name, why
	})
}

// scriptName is the name of a PHP script, without a folder.
func scriptName(dst *string) value {
	return parsed("string", dst, func(l *leaf, name string) (string, bool) {
		if !strings.HasSuffix(name, ".php") || strings.ContainsAny(name, "/\x00") {
			l.fail(codeValue, "It must be the name of a script that ends with .php, without a slash.")
			return "", false
		}
		return name, true
	})
}

// cacheControl is a Cache-Control header, or a duration, which means its max-age.
func cacheControl(dst *string) value {
	return parsed("duration or header", dst, func(l *leaf, text string) (string, bool) {
		if age, err := time.ParseDuration(text); err == nil && age >= 0 {
			text = fmt.Sprintf("max-age=%d", int64(age/time.Second))
		}
		switch {
		case strings.ContainsFunc(text, unicode.IsControl):
			l.fail(codeValue, "It must be one line.")
		case text != "" && !strings.Contains(text, "=") && !isCacheWord(text):
			l.fail(codeValue, `It is neither a duration such as "1h" nor a header such as "public, max-age=3600".`)
		default:
			return text, true
		}
		return "", false
	})
}

func isCacheWord(text string) bool {
	for word := range strings.SplitSeq(text, ",") {
		switch strings.ToLower(strings.TrimSpace(word)) {
		case "no-cache", "no-store", "private", "public", "immutable", "must-revalidate", "no-transform":
		default:
			return false
		}
	}
	return true
}

// contentTypes are content types by extension.
func contentTypes(dst *map[string]string) value {
	in := variables(dst)
	return value{form: in.form, set: func(l *leaf) {
		in.set(l)
		clean := map[string]string{}
		for extension, contentType := range *dst {
			if _, _, err := mime.ParseMediaType(contentType); err != nil || !strings.HasPrefix(extension, ".") {
				l.fail(codeValue, `It must be written as { ".wasm" = "application/wasm" }.`)
				return
			}
			clean[strings.ToLower(extension)] = contentType
		}
		*dst = clean
	}}
}

package modgw

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// redacted replaces a secret.
const redacted = "(secret)"

// shortestSecret is the shortest secret in bytes that is looked for in text: removing every "1"
// would make the text unreadable and hide nothing.
const shortestSecret = 4

// credentials matches the user and password of a URL, or a single token in their place.
var credentials = regexp.MustCompile(`(://)(?:[^\s/@:"']*:[^\s/@"']+|[^\s/@:"']{16,})@`)

// Redacted is d for people to see: values in Env, BuildEnv and BuildSecrets that are a secret or
// contain one are "(secret)", every other text has secrets and the credentials of URLs replaced,
// and Secrets is empty. d itself stays as it is.
func (d Descriptor) Redacted() Descriptor {
	secrets := d.Secrets
	d.Secrets = nil
	for _, variables := range []*map[string]string{&d.Env, &d.BuildEnv, &d.BuildSecrets} {
		*variables = redactVariables(*variables, secrets)
	}
	return redactValue(reflect.ValueOf(d), secrets).Interface().(Descriptor)
}

// redactVariables hides a value as a whole: the text around a secret may reveal it.
func redactVariables(variables map[string]string, secrets []string) map[string]string {
	if variables == nil {
		return nil
	}
	clean := make(map[string]string, len(variables))
	for name, value := range variables {
		if slices.ContainsFunc(secrets, func(s string) bool { return s != "" && strings.Contains(value, s) }) {
			value = redacted
		}
		clean[name] = value
	}
	return clean
}

// redactValue is a copy of v in which every string, however deep, went through RedactString.
func redactValue(v reflect.Value, secrets []string) reflect.Value {
	clean := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		clean.SetString(RedactString(v.String(), secrets))
	case reflect.Pointer:
		if !v.IsNil() {
			clean.Set(reflect.New(v.Type().Elem()))
			clean.Elem().Set(redactValue(v.Elem(), secrets))
		}
	case reflect.Struct:
		clean.Set(v)
		for i := range v.NumField() {
			if clean.Field(i).CanSet() {
				clean.Field(i).Set(redactValue(v.Field(i), secrets))
			}
		}
	case reflect.Slice:
		if !v.IsNil() {
			clean.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				clean.Index(i).Set(redactValue(v.Index(i), secrets))
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			clean.Set(reflect.MakeMap(v.Type()))
			for it := v.MapRange(); it.Next(); {
				clean.SetMapIndex(it.Key(), redactValue(it.Value(), secrets))
			}
		}
	default:
		clean.Set(v)
	}
	return clean
}

// RedactString replaces every secret in s, also in the form that quoting gives it, and the
// credentials of URLs. Secrets of less than four bytes are left: they would be found everywhere.
func RedactString(s string, secrets []string) string {
	// Longest first, so that a secret that contains another goes as a whole.
	for _, secret := range slices.SortedFunc(slices.Values(secrets), func(a, b string) int { return len(b) - len(a) }) {
		if len(secret) < shortestSecret {
			continue
		}
		s = strings.ReplaceAll(s, secret, redacted)
		if quoted := strconv.Quote(secret); quoted != `"`+secret+`"` {
			s = strings.ReplaceAll(s, quoted[1:len(quoted)-1], redacted)
		}
	}
	if strings.Contains(s, "://") {
		s = credentials.ReplaceAllString(s, "${1}"+redacted+"@")
	}
	return s
}

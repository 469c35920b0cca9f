package masking

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/modgw/modgw/modgw"
)

// Settings returns the settings of a descriptor in a form for JSON: without zero ones, without its
// secrets and without the values of variables.
func Settings(d modgw.Descriptor) any {
	d = d.Redacted()
	for _, variables := range []*map[string]string{&d.Env, &d.BuildEnv, &d.BuildSecrets} {
		names := make(map[string]string, len(*variables))
		for name := range *variables {
			names[name] = "(not shown)"
		}
		*variables = names
	}
	return settingsIn(reflect.ValueOf(d))
}

// settingsIn is a value as JSON shows it best: nil where it is zero, durations as text.
func settingsIn(v reflect.Value) any {
	if !v.IsValid() || v.IsZero() {
		return nil
	}
	if d, ok := v.Interface().(time.Duration); ok {
		return d.String()
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return settingsIn(v.Elem())
	case reflect.Struct:
		fields := map[string]any{}
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				if set := settingsIn(v.Field(i)); set != nil {
					fields[field.Name] = set
				}
			}
		}
		return fields
	case reflect.Map:
		entries := map[string]any{}
		for it := v.MapRange(); it.Next(); {
			entries[fmt.Sprint(it.Key())] = settingsIn(it.Value())
		}
		if len(entries) == 0 {
			return nil
		}
		return entries
	case reflect.Slice, reflect.Array:
		elements := make([]any, v.Len())
		for i := range elements {
			elements[i] = settingsIn(v.Index(i))
		}
		return elements
	}
	return v.Interface()
}

// Without is a value as JSON has it, with the secrets replaced in every text of it.
func Without(value any, secrets []string) any {
	text, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var tree any
	if decoder.Decode(&tree) != nil {
		return nil
	}
	return redactTree(tree, secrets)
}

func redactTree(tree any, secrets []string) any {
	switch t := tree.(type) {
	case string:
		return modgw.RedactString(t, secrets)
	case []any:
		for i := range t {
			t[i] = redactTree(t[i], secrets)
		}
	case map[string]any:
		clean := make(map[string]any, len(t))
		for name, value := range t {
			clean[modgw.RedactString(name, secrets)] = redactTree(value, secrets)
		}
		return clean
	}
	return tree
}

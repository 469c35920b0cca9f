package masking

import (
	"slices"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// secretName fits the names of variables whose values are taken to be secrets, though the
// descriptor does not say so.
var secretName = lazyregexp.New(`(?i)secret|token|passw|pwd|key|credential|dsn|auth|_url$`)

// longSecret is how many bytes a value has at least that is taken to be a secret of an env_file.
const longSecret = 8

// Secrets are the values of a descriptor that must not be shown: the secrets of a descriptor, the
// values of variables that look like one by their names, and with an env_file, where secrets are
// often kept, all that are not short.
func Secrets(d modgw.Descriptor) []string {
	secrets := slices.Clone(d.Secrets)
	for _, variables := range []map[string]string{d.Env, d.BuildEnv, d.BuildSecrets} {
		for name, value := range variables {
			if secretName.MatchString(name) || d.EnvFile != "" && len(value) >= longSecret {
				secrets = append(secrets, value)
			}
		}
	}
	return secrets
}

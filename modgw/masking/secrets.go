package masking

import (
	"slices"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// secretName matches the names of variables whose values are assumed to be secrets, even if the
// descriptor does not mark them.
var secretName = lazyregexp.New(`(?i)secret|token|passw|pwd|key|credential|dsn|auth|_url$`)

// longSecret is the shortest value that is assumed to be a secret of an env_file, in bytes.
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

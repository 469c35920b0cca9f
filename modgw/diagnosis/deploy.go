package diagnosis

import (
	"fmt"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

func stopped(a *App) *Diagnosis {
	if a.State != modgw.AppStopped {
		return nil
	}
	return &Diagnosis{"stopped", Notice, "the app was stopped by its administrator", "modgw-host restart " + string(a.App)}
}

// codesOfDescriptors is the prefix of the codes of mistakes in descriptors.
const codesOfDescriptors = "MGW-CFG-"

func brokenDescriptor(a *App) *Diagnosis {
	if a.Failure == nil || !a.Mistake && !strings.HasPrefix(a.Failure.Code, codesOfDescriptors) {
		return nil
	}
	what := a.Failure.Error
	if _, after, found := strings.Cut(what, fmt.Sprintf("app %q: ", a.App)); found {
		what = after
	}
	return a.deployDiagnosis("broken_descriptor", "the descriptor cannot be used: "+what)
}

func diskFullForPackages(a *App) *Diagnosis {
	if a.Failure == nil || a.Failure.Code != "MGW-ENV-013" && !strings.Contains(a.Failure.Text, "no space left on device") {
		return nil
	}
	return a.deployDiagnosis("disk_full", "disk full: "+a.Failure.Error)
}

// missingModule matches Python's error for a missing module, with the place that the host adds.
var missingModule = lazyregexp.New(`No module named '([^']+)'(?: \((.+:\d+)\))?`)

func missingPackage(a *App) *Diagnosis {
	if a.Failure == nil {
		return nil
	}
	m := missingModule.FindStringSubmatch(a.Failure.Error)
	if m == nil {
		return nil
	}
	what := fmt.Sprintf("the Python package %q is missing", m[1])
	if m[2] != "" {
		what += ", which " + m[2] + " imports"
	}
	return a.deployDiagnosis("missing_package", what)
}

func startupTimeout(a *App) *Diagnosis {
	if a.Failure == nil || a.Failure.Code != "MGW-APP-005" && a.Failure.Code != "MGW-APP-033" {
		return nil
	}
	return a.deployDiagnosis("startup_timeout", "the app does not start in time: "+a.Failure.Error)
}

func failedDeploy(a *App) *Diagnosis {
	if a.Failure == nil {
		return nil
	}
	cause := "deploy_failed"
	if strings.HasPrefix(a.Failure.Code, "MGW-ENV-") {
		cause = "environment_failed"
	}
	return a.deployDiagnosis(cause, a.Failure.Error)
}

// deployDiagnosis returns the diagnosis of a failed deploy: critical if no other generation serves.
func (a *App) deployDiagnosis(cause, sentence string) *Diagnosis {
	d := &Diagnosis{Cause: cause, Severity: Critical, Sentence: oneLine(sentence)}
	switch {
	case a.Generation != nil:
		d.Severity = Warning
		d.Sentence += fmt.Sprintf("; generation %d still serves", a.Generation.Number)
	case a.State == modgw.AppIdle:
		d.Sentence += "; the next request tries again"
	default:
		d.Sentence += "; the app is not served"
	}
	if _, hint, found := strings.Cut(a.Failure.Text, "\nhint: "); found {
		d.Hint = oneLine(hint)
	} else if a.Failure.Code != "" {
		d.Hint = "modgw-host explain " + a.Failure.Code
	}
	return d
}

func oneLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

func watchDegraded(a *App) *Diagnosis {
	if a.WatchDegraded == "" {
		return nil
	}
	return &Diagnosis{"watch_degraded", Warning, "changes of some files are not seen: " + oneLine(a.WatchDegraded),
		fmt.Sprintf("reload by hand: modgw-host reload %s", a.App)}
}

func starting(a *App) *Diagnosis {
	if a.State != modgw.AppStarting || a.Waiting == 0 {
		return nil
	}
	return &Diagnosis{"starting", Notice, fmt.Sprintf("the app is starting: %s", waiting(a.Waiting)),
		fmt.Sprintf("modgw-host logs %s says how far it is", a.App)}
}

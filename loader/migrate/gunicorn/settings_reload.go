package gunicorn

import (
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// reloadSettings are about changes of files, and commands for Gunicorn itself.
var reloadSettings = table{
	{drop("workers are forked from a process that has the modules of the environment loaded; the app's own code is loaded by each"),
		"preload_app"},
	{drop(reloads), "reload reload_engine"},
	{watched, "reload_extra_files reload_extra_file"},
	{drop("it prints each line that is executed"), "spew"},
	{drop("modgw-host check does"), "check_config print_config"},
}

func watched(s *server, o pyapp.Option) pyapp.Outcome {
	list, isList := o.Value.([]string)
	if !isList {
		list = []string{o.Text()}
	}
	watch, _ := s.Get("reload.watch").([]string)
	for _, file := range list {
		if file != "" {
			watch = append(watch, s.Absolute(file))
		}
	}
	if len(watch) == 0 {
		return pyapp.NotNeeded("it is empty")
	}
	s.Set("reload.watch", watch)
	return pyapp.Translated("reload.watch = %q", watch)
}

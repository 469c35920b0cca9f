// Package zygote keeps, for each app and environment, a template process: an interpreter that has
// loaded the modules of the environment and forks workers, which then only load the app itself. The
// modules are those that an earlier worker of the app has reported.
//
// It does not know what a worker does. A worker that cannot be forked is started like any other by
// the package above, which tells the zygote; a zygote whose template does not fit the app gives up.
package zygote

// Package zygote keeps, for each app and environment, a template process: an interpreter that has
// loaded the modules of the environment and forks workers, which then only load the app itself. An
// earlier worker of the app has reported these modules.
//
// It does not depend on the work of a worker. A worker that cannot be forked is started like any
// other by the package above, which informs the zygote. A zygote whose template does not fit the
// app gives up.
package zygote

package httpd

import "strings"

// undecided are the directives whose outcome depends on the rest of the configuration.
var undecided = strings.Fields("loadmodule loadfile sethandler addhandler alias aliasmatch scriptalias scriptaliasmatch " +
	"redirect redirectmatch redirectpermanent redirecttemp timeout limitrequestbody user " +
	"group authbasicprovider authdigestprovider authformprovider xsendfilepath " +
	"wsgiscriptalias wsgiscriptaliasmatch wsgidaemonprocess wsgiprocessgroup " +
	"wsgicallableobject wsgipythonhome wsgipythonpath wsgiscriptreloading wsgierroroverride " +
	"wsgipythoneggs wsgipythonoptimize wsgipythonhashseed wsgipythonwarnings " +
	"wsgidontwritebytecode wsgiimportscript wsgihandlerscript wsgiauthuserscript " +
	"wsgiauthgroupscript wsgiaccessscript wsgifreethreading wsgitrustedproxies " +
	"wsgitrustedproxyheaders")

// decided are the directives of mod_wsgi 4 to 6 whose outcome does not depend on their place.
var decided = table{
	{notNeeded("each app has the main interpreter of processes of its own, as %{GLOBAL} has"), "wsgiapplicationgroup"},
	{notNeeded("the Authorization header always reaches the app (CGIPassAuth On)"), "wsgipassauthorization"},
	{notNeeded("there is no embedded mode: each app has processes of its own"), "wsgirestrictembedded"},
	{notNeeded("Apache reaches the host by one socket, which the host's own file names"), "wsgisocketprefix"},
	{notNeeded("Apache reaches the host by one socket, which stays when either restarts"), "wsgisocketrotation"},
	{notNeeded("nothing here depends on it: the host accepts connections itself"), "wsgiacceptmutex"},
	{notNeeded("nothing here depends on it: a mount is a path with the case that it is written in"), "wsgicasesensitivity"},
	{notNeeded("Python is not loaded into Apache"), "wsgilazyinitialization"},
	{notNeeded("always on"), "wsgichunkedrequest"},
	{notNeeded("the host sends files of wsgi.file_wrapper itself"), "wsgienablesendfile"},
	{notNeeded("the app sees HEAD; the host sends no body of its answer"), "wsgimapheadtoget"},
	{notNeeded("standard input of an app is empty"), "wsgirestrictstdin"},
	{notNeeded("an app may write to standard output: it is logged"), "wsgirestrictstdout"},
	{notNeeded("an app may handle signals, and those of the host still count"), "wsgirestrictsignal"},
	{notNeeded("only Apache's configuration names the app of a request"), "wsgirestrictprocess"},
	{byHand("it chooses a group for each request: let one WSGI app, which is the entry, choose what it calls"), "wsgidispatchscript"},
	{notNeeded("mod_authnz_fcgi has no such setting: a request must meet all that Require says"), "wsgigroupauthoritative"},
	{notNeeded("the order of AuthBasicProvider decides who is asked next"), "wsgiuserauthoritative"},
	{notNeeded("it is for Python 2.6 and 2.7"), "wsgipy3kwarningflag"},
	{notNeeded("there are no sub-interpreters"), "wsgiperinterpretergil wsgiinterpreteroptions"},
	{notNeeded("there are no sub-interpreters: a process that ends runs its exit functions"), "wsgidestroyinterpreter"},
	{byHand("call sys.setswitchinterval in the app where it matters"), "wsgiswitchinterval"},
	{notNeeded("modgw-host status --json has them"), "wsgiserver-metrics wsgiservermetrics"},
	{byHand("every request counts as activity: do not ask an app that may rest for its health"), "wsgiignoreactivity"},
	{byHand("an app in another process cannot have Apache's own structures: take apache.Request out of the app"), "wsgipassapacherequest"},
	{notNeeded("modgw-host logs shows what happens to an app"), "wsgiverbosedebugging"},
	{notNeeded("the access log of the host has {took} and {queued} for each request"), "wsgislowrequests"},
	{byHand("the host has metrics and traces of its own: see the page about logs"), "wsgitelemetryservice wsgitelemetryoptions"},
	{byHand("start the agent in the entry: newrelic.agent.initialize(FILE)"), "wsginewrelicconfigfile"},
	{byHand("start the agent in the entry: newrelic.agent.initialize(FILE, ENVIRONMENT)"), "wsginewrelicenvironment"},
}.ByName()

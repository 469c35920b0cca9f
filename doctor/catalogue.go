package doctor

// catalogue has the severity and message of each code. troubleshooting.md explains the codes.
var catalogue = map[string]struct {
	severity Severity
	message  string
}{
	// How requests and responses arrive.
	"MGW-DOC-001": {Error, "an encoded slash in a path does not reach the app as it was sent"},
	"MGW-DOC-002": {Error, "the Authorization header does not reach the app"},
	"MGW-DOC-003": {Error, "the web server holds back the pieces of a streamed response"},
	"MGW-DOC-004": {Warning, "the web server drops the Content-Length of responses"},
	"MGW-DOC-005": {Error, "a WebSocket does not reach the app"},
	"MGW-DOC-006": {Error, "the app does not learn whether a client used TLS"},
	"MGW-DOC-007": {Error, "the app does not learn the client's address"},
	"MGW-DOC-008": {Error, "a client can make the host believe %s"},
	"MGW-DOC-009": {Error, "the web server refuses request bodies over %s, of which the app accepts %s"},
	"MGW-DOC-010": {Error, "the web server refuses headers or a URL that the host accepts"},
	"MGW-DOC-011": {Error, "the query of a request does not reach the app as it was sent"},
	"MGW-DOC-012": {Error, "a path does not reach the app as it was sent: %s"},
	"MGW-DOC-013": {Error, "the app gets another host name than the client used"},
	"MGW-DOC-014": {Error, "cookies do not reach the app as they were sent"},
	"MGW-DOC-015": {Warning, "the web server waits %s for a response, and the app may take %s"},
	"MGW-DOC-016": {Error, "the web server replaces error responses of the app by its own"},
	"MGW-DOC-017": {Error, "the web server refuses large headers of responses"},
	"MGW-DOC-018": {Error, "requests go to another socket: Apache knows the worker %q already, from %s:%d"},
	"MGW-DOC-019": {Error, "the body of a request does not reach the app as it was sent"},
	"MGW-DOC-020": {Error, "a client that waits for 100 Continue gets no answer"},
	"MGW-DOC-021": {Warning, "the web server may send a request twice, the second time without its body"},
	"MGW-DOC-022": {Warning, "the web server refuses all requests for a while after one connection failed"},
	"MGW-DOC-023": {Error, "requests for the app go elsewhere: %q, which stands before it, covers its path"},
	"MGW-DOC-024": {Warning, "the files of %q are never served by the web server: requests for them go to the app"},
	"MGW-DOC-025": {Error, "the web server looks for a file, and answers 404 where there is none"},
	"MGW-DOC-026": {Error, "the path that reaches the app depends on the files in the DocumentRoot"},
	"MGW-DOC-027": {Warning, "the web server keeps idle connections for %s, and the host closes them after %s"},
	"MGW-DOC-028": {Error, "the variable %s of requests is not passed to the host"},
	"MGW-DOC-029": {Error, "the mount %q itself does not reach the app: the path has a slash at its end"},

	// Which virtual host has which app.
	"MGW-DOC-030": {Error, "no virtual host passes requests for %s to the host"},
	"MGW-DOC-031": {Error, "nothing listens at %s, where requests are passed to"},
	"MGW-DOC-032": {Error, "requests are passed to app %q, which is not the one of this place"},
	"MGW-DOC-033": {Error, "cannot connect to the web server at %s: %s"},
	"MGW-DOC-034": {Error, "requests for %s do not reach the host: the answer is %s"},
	"MGW-DOC-035": {Error, "the virtual host is never asked for %s: %s:%d has the name, too"},
	"MGW-DOC-036": {Error, "the web server does not listen on port %s of the virtual host"},
	"MGW-DOC-037": {Error, "the URL of a Unix socket has no protocol"},
	"MGW-DOC-038": {Error, "the path of a Unix socket cannot be used: %s"},
	"MGW-DOC-039": {Error, "the configuration of the web server has a mistake: %s"},
	"MGW-DOC-040": {Error, "the web server speaks %s to a listener for %s"},
	"MGW-DOC-042": {Error, "the web server is an open proxy: anyone can reach other servers through it"},
	"MGW-DOC-043": {Error, "the web server breaks off every request whose body takes longer than %s seconds"},

	// Programs.
	"MGW-DOC-045": {Error, "the web server lacks module %s, which the virtual host needs"},
	"MGW-DOC-047": {Warning, "the prefork MPM needs a whole process for each request and each WebSocket"},
	"MGW-DOC-048": {Warning, "PHP runs within Apache, which forces the prefork MPM on all apps"},

	// Certificates.
	"MGW-DOC-050": {Error, "cannot read the certificate or its key: %s"},
	"MGW-DOC-051": {Error, "the certificate is not valid: %s"},
	"MGW-DOC-052": {Warning, "the certificate expires on %s"},
	"MGW-DOC-053": {Error, "the certificate does not name %s"},
	"MGW-DOC-054": {Error, "the certificate's chain is incomplete: clients may not know who signed it"},
	"MGW-DOC-055": {Error, "the key does not belong to the certificate"},
	"MGW-DOC-056": {Error, "every user of this machine can read the certificate's key"},
	"MGW-DOC-057": {Warning, "the web server accepts %s, which is not safe"},
	"MGW-DOC-058": {Error, "the virtual host has a certificate, and does not use TLS"},

	// Rights.
	"MGW-DOC-060": {Error, "user %s of the web server may not enter %s, so it cannot reach %s"},
	"MGW-DOC-061": {Error, "user %s of the web server may not write to the socket %s"},
	"MGW-DOC-062": {Error, "the socket %s is in a folder that systemd hides from the web server"},
	"MGW-DOC-063": {Error, "user %s of the web server may not read the files in %s"},
	"MGW-DOC-064": {Error, "the web server's configuration denies access to the files in %s"},
	"MGW-DOC-065": {Error, "SELinux keeps the web server from connecting to the host"},
	"MGW-DOC-066": {Warning, "AppArmor has a profile for %s, which must allow the socket %s"},

	// The machine and the host.
	"MGW-DOC-070": {Error, "the disk of %s is almost full: %s are left"},
	"MGW-DOC-071": {Error, "the disk of %s has almost no room for more files: %d are left"},
	"MGW-DOC-072": {Warning, "the host may have only %d open files and connections"},
	"MGW-DOC-073": {Warning, "changes of the app are found late: %s"},
	"MGW-DOC-074": {Warning, "the clock of this machine is wrong, or %s comes from the future"},
	"MGW-DOC-075": {Warning, "the kernel keeps only %d connections waiting for a listener"},
	"MGW-DOC-076": {Error, "the host does not run: nothing can be asked through the web server"},
	"MGW-DOC-077": {Error, "the app does not serve as its descriptor says: %s"},
	"MGW-DOC-078": {Error, "a descriptor cannot be used: %s"},
}

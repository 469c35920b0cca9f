package export

// forwardedHeaders are those by which proxies speak of the client, and which the host believes.
var forwardedHeaders = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto",
	"X-Forwarded-Prefix", "X-Script-Name", "X-Server-Software"}

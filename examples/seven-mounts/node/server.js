const http = require('http')

const title = 'the first server'

http.createServer((request, response) => {
  response.setHeader('Content-Type', 'text/plain')
  response.end(`${title}, at ${request.url}\n`)
}).listen(process.env.PORT, '127.0.0.1')

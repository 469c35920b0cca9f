// A server as Node.js has it: what the host adds is in PORT and in the headers that it sets.
import { createServer } from "node:http";

const server = createServer((request, response) => {
  const mount = request.headers["x-forwarded-prefix"] ?? "";
  if (request.url === `${mount}/events`) {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    const tick = () => response.write(`data: ${new Date().toISOString()}\n\n`);
    tick();
    const timer = setInterval(tick, 1000);
    request.on("close", () => clearInterval(timer));
    return;
  }
  response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" });
  response.end(`<p>Hello ${request.headers["x-forwarded-for"]}, it is <span id="time"></span>.</p>
<script>
  new EventSource("${mount}/events").onmessage = (e) => { document.getElementById("time").textContent = e.data; };
</script>`);
});

server.listen(process.env.PORT ?? 8080, "127.0.0.1");
process.on("SIGTERM", () => server.close());

/* serve.mjs — the page while it is being made: rebuilt and reloaded at each change, talking to a server that runs already.
 *
 *   node serve.mjs [--server http://127.0.0.1:8440] [--port 5173]      0: a free port
 *
 * /v1/ goes to that server, WebSockets included; everything else is the page. */
import http from "node:http";
import net from "node:net";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildClient, context, here, options, page } from "./build.mjs";

const { values } = parseArgs({
  options: { server: { type: "string", default: "http://127.0.0.1:8440" }, port: { type: "string", default: "5173" } },
});
const server = new URL(values.server);

buildClient();
const root = path.join(here, "static"); // nothing is written: esbuild answers for assets/ from memory, and serves the rest from here
const built = await context({
  ...options,
  outdir: path.join(root, "assets"),
  entryNames: "[name]",
  minify: false,
  sourcemap: "inline",
  write: false,
  plugins: [{ name: "page", setup: (setup) => setup.onEnd((result) => void (result.metafile && (html = page(result.metafile, root, reload)))) }],
});
const reload = `<script type="module">new EventSource("/esbuild").addEventListener("change", () => location.reload());</script>`;
let html = "";
await built.rebuild(); // watch() does not wait for its first build, and who comes before that would get an empty page
await built.watch();
const files = await built.serve({ host: "127.0.0.1", port: 0, servedir: root });

function pass(request, response, host, port) {
  const { method, url, headers } = request;
  const on = http.request({ host, port, method, path: url, headers: { ...headers, host: `${host}:${port}` } }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  on.on("error", () => response.writeHead(502, { "content-type": "text/plain" }).end(`nothing answers at ${host}:${port}\n`));
  request.pipe(on);
}

const door = http.createServer((request, response) => {
  if (request.url.startsWith("/v1/") || request.url.endsWith("z")) {
    pass(request, response, server.hostname, server.port || 80);
  } else if (request.url === "/" || request.url.startsWith("/?")) {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" }).end(html);
  } else {
    pass(request, response, "127.0.0.1", files.port);
  }
});
door.on("upgrade", (request, socket, head) => {
  const on = net.connect(Number(server.port || 80), server.hostname, () => {
    const lines = [`${request.method} ${request.url} HTTP/1.1`];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      const name = request.rawHeaders[i];
      lines.push(`${name}: ${name.toLowerCase() === "host" ? server.host : request.rawHeaders[i + 1]}`);
    }
    on.write(lines.join("\r\n") + "\r\n\r\n");
    on.write(head);
    on.pipe(socket).pipe(on);
  });
  on.on("error", () => socket.destroy());
  socket.on("error", () => on.destroy());
});
door.listen(Number(values.port), "127.0.0.1", () => console.log(`the page: http://127.0.0.1:${door.address().port}/#CODE   (server: ${server.origin})`));

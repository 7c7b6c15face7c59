/* The page over the server's own TLS: two windows at https, their lines at wss, across a new certificate. */
import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { Issuer } from "../integration/support/certificate.mjs";
import { startServer } from "../support/server.mjs";
import * as w from "./windows.mjs";

process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"; // of this process, which only makes sessions; tests/integration/tls.test.mjs verifies

const issuer = new Issuer();
const certificate = path.join(issuer.folder, "server.crt"), key = path.join(issuer.folder, "server.key");
const install = (pair) => {
  copyFileSync(pair.certificate, certificate);
  copyFileSync(pair.key, key);
};

let server, browser;
before(async () => {
  install(issuer.issue("first"));
  server = await startServer({ webRoot: w.webRoot, scheme: "https", settings: ["--tls-cert", certificate, "--tls-key", key] });
  browser = await w.startBrowser();
});
after(async () => {
  await browser.close();
  assert.equal(await server.stop(), 0);
  issuer.destroy();
});

test("two windows write to each other over wss and are saved", async () => {
  const { code } = await server.createSession("Workshop");
  const ada = await w.enter(browser, server, code, "Ada", { ignoreHTTPSErrors: true });
  const sockets = [];
  ada.on("websocket", (socket) => sockets.push(socket.url()));
  const grace = await w.enter(browser, server, code, "Grace", { ignoreHTTPSErrors: true });
  await w.createFile(ada, "a.md");
  await w.openFile(grace, "a.md");
  await w.text(ada).click();
  await ada.keyboard.type("over TLS");
  await w.text(grace).filter({ hasText: "over TLS" }).waitFor();
  await w.state(ada).filter({ hasText: "Saved" }).waitFor();

  install(issuer.issue("second"));
  server.child.kill("SIGHUP");
  await w.text(grace).click();
  await grace.keyboard.type("and across a new certificate ");
  await w.text(ada).filter({ hasText: "new certificate" }).waitFor();
  await ada.reload();
  await w.openFile(ada, "a.md");
  await w.text(ada).filter({ hasText: "new certificate" }).waitFor();
  assert.ok(sockets.length > 0 && sockets.every((url) => url.startsWith("wss://")), `${sockets}`);
  assert.match(server.log, /tls\.reloaded/);
  assert.deepEqual([...ada.problems, ...grace.problems], []);
});

/* The page while it is being made: `./dev web` on a copy of the sources, talking to a running server. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { root, startServer } from "../support/server.mjs";
import * as w from "./windows.mjs";

let server, browser, sources, maker, url;
before(async () => {
  server = await startServer();
  browser = await w.startBrowser();
  sources = mkdtempSync(path.join(tmpdir(), "vs-page-"));
  for (const folder of ["js", "web"]) cpSync(path.join(root, "clients", folder), path.join(sources, folder), { recursive: true });
  symlinkSync(path.join(root, "clients/node_modules"), path.join(sources, "node_modules"));
  maker = spawn(process.execPath, [path.join(sources, "web/serve.mjs"), "--server", server.url, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(maker.stdout.setEncoding("utf8"), "data");
  url = line.match(/http:\/\/[^/]+/)[0];
});
after(async () => {
  maker?.kill();
  rmSync(sources, { recursive: true, force: true });
  await browser?.close();
  await server?.stop();
});

test("a changed source reloads the page, and the page works with the server behind it", async () => {
  const { code } = await server.createSession("Making");
  const page = await w.openWindow(browser, `${url}/#${code}`);
  await page.getByLabel("Your name").waitFor();

  const source = path.join(sources, "web/src/join.ts");
  writeFileSync(source, readFileSync(source, "utf8").replace('"Your name"', '"Your dear name"'));
  await page.getByLabel("Your dear name").fill("Ada");
  await page.getByRole("button", { name: "Join" }).click();
  await page.locator(".workspace").waitFor();
  await w.createFile(page, "made.txt");
  await w.text(page).click();
  await page.keyboard.type("through both");
  await w.waitForState(page, "saved");
  assert.deepEqual(page.problems, []);
});

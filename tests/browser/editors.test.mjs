/* Rich text in real windows: ProseMirror and Quill with the bindings and the provider that everybody uses, on the door /y/. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { startServer } from "../support/server.mjs";
import * as w from "./windows.mjs";

/* `strong`: the element of bold text; `cursor`: what names another person's cursor. */
const editors = {
  prosemirror: { area: ".ProseMirror", strong: "strong", cursor: ".ProseMirror-yjs-cursor", heading: "h2" },
  quill: { area: ".ql-editor", strong: "strong", cursor: ".ql-cursor-name" },
};

let folder, server, browser;
before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "vs-editors-"));
  const here = import.meta.dirname;
  const entryPoints = Object.keys(editors).map((name) => path.join(here, "editors", `${name}.mjs`));
  await build({ entryPoints, bundle: true, format: "esm", outdir: folder, logLevel: "warning" });
  for (const name of Object.keys(editors))
    writeFileSync(path.join(folder, `${name}.html`), `<!doctype html><meta charset="utf-8"><title>${name}</title><link rel="icon" href="data:,">
      <link rel="stylesheet" href="/${name}.css"><body><div id="editor"></div><script type="module" src="/${name}.js"></script>`);
  server = await startServer({ webRoot: folder });
  browser = await w.startBrowser();
});
after(async () => {
  await browser?.close();
  if (server) assert.equal(await server.stop(), 0);
  rmSync(folder, { recursive: true, force: true });
});

async function join(code, name) {
  const answer = await fetch(`${server.url}/v1/join`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ code, name }) });
  assert.equal(answer.status, 200);
  return answer.json();
}

async function open(editor, code, name) {
  const { session, token } = await join(code, name);
  const hash = encodeURIComponent(JSON.stringify({ session, token, name, path: `${editor}.doc` }));
  const page = await w.openWindow(browser, `${server.url}/${editor}.html#${hash}`);
  await page.locator("body[data-synced=true]").waitFor();
  return page;
}

const content = (page) => page.evaluate(() => window.content());

/** All have the words, and the same document to the byte. */
async function together(pages, ...words) {
  await w.until(async () => {
    const all = await Promise.all(pages.map((page) => page.evaluate(() => window.content() + window.state())));
    return all.every((one) => one === all[0] && words.every((word) => one.split(word).length === 2));
  }, async () => `${words} once in each of ${await Promise.all(pages.map(content))}`);
}

for (const [name, { area, strong, cursor, heading }] of Object.entries(editors))
  test(`${name}: two write one document across kill -9, a third loads it from the database`, async () => {
    const { code } = await server.createSession(name);
    const [ada, grace] = [await open(name, code, "Ada"), await open(name, code, "Grace")];
    const text = (page) => page.locator(area);

    await text(ada).click();
    await ada.keyboard.type("plain bold");
    await ada.keyboard.press("Control+Shift+ArrowLeft");
    await ada.keyboard.press("Control+b");
    await text(grace).locator(strong, { hasText: "bold" }).waitFor();
    await grace.locator(cursor, { hasText: "Ada" }).waitFor({ state: "attached" });
    await text(grace).click();
    await grace.keyboard.press("Control+End");
    await grace.keyboard.press("Enter");
    await grace.keyboard.type("second");
    if (heading) {
      await grace.keyboard.press("Control+Alt+2");
      await text(ada).locator(heading, { hasText: "second" }).waitFor();
    }
    await together([ada, grace], "plain ", "second");
    await ada.keyboard.press("Control+Home");
    await Promise.all([ada.keyboard.type("<a🙂>"), grace.keyboard.type("<grace>")]); // at once
    await together([ada, grace], "<a🙂>", "<grace>");

    await server.kill();
    await Promise.all([ada.keyboard.type("<down>"), grace.keyboard.type("<gone>")]);
    await server.start();
    await together([ada, grace], "<down>", "<gone>");
    await grace.keyboard.press("Control+z"); // takes back what she typed in the last moments, however much, and nothing of Ada's
    await w.until(async () => !(await content(ada)).includes("<gone>"));
    await ada.keyboard.type("<back>");
    await together([ada, grace], "<back>", "<down>", "<a🙂>", "plain ");

    const left = await ada.evaluate(() => [window.content(), window.state()]);
    for (const page of [ada, grace]) {
      assert.deepEqual(page.problems, []);
      await page.context().close();
    }
    server.child.kill("SIGTERM"); // nobody who knows the document is there any more
    await server.ended;
    await server.start();
    const third = await open(name, code, "Edsger");
    assert.deepEqual(await third.evaluate(() => [window.content(), window.state()]), left);
    await text(third).locator(strong, { hasText: "bold" }).waitFor();
    await w.picture(third, `editor-${name}`);
    assert.deepEqual(third.problems, []);
    await third.context().close();
  });

// symptoms.test.mjs — what docs/troubleshooting.md and operators.md tell to look for is what the programs say: each event of the log, each
// message, metric, setting and column that they quote stands in the sources.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { root } from "../support/server.mjs";

const read = (name) => readFileSync(path.join(root, name), "utf8");
const sources = ["server", "storage", "protocol"].flatMap((folder) => readdirSync(path.join(root, folder), { recursive: true })
  .filter((name) => /\.(c|h|def|sql)$/.test(name) && !/_test\.c$/.test(name)).map((name) => read(path.join(folder, name)))).join("\n");
const quoted = (page) => [...read(`docs/${page}`).replace(/```[^]*?```/g, "").matchAll(/`([^`]+)`/g)].map(([, text]) => text);

for (const page of ["troubleshooting.md", "operators.md"])
  test(`${page}: events, messages, metrics and settings are those of the code`, () => {
    const texts = quoted(page);
    const missing = (list, find) => [...new Set(list)].filter((one) => !find(one));
    const events = texts.filter((text) => /^[a-z]+\.[a-z_]+$/.test(text) && !/^(files|pg)\./.test(text));
    const settings = texts.flatMap((text) => text.match(/--[a-z-]{4,}/g) ?? []).filter((flag) => !/^--(config|help|server|session|json|version|text|reason|server-role|as)$/.test(flag));
    assert.ok(events.length > 3 && settings.length > 3);
    assert.deepEqual(missing(events, (event) => sources.includes(`"${event}"`)), [], "events");
    assert.deepEqual(missing(settings, (flag) => new RegExp(`CONFIG_\\w+\\(${flag.slice(2).replaceAll("-", "_")},`).test(sources)), [], "settings");
    assert.deepEqual(missing(texts.filter((text) => /^vibesync_[a-z_]+$/.test(text)).map((name) => name.replace(/^vibesync_|_(total|seconds|bytes)$/g, "")),
      (id) => sources.includes(id)), [], "metrics");
    const messages = ["cannot listen on", "serve needs --database URL", "the database is not there since", "commits would not be durable", "nothing can be saved:",
      "PostgreSQL 15 or newer is needed", "the database's encoding must be UTF8"];
    if (page === "troubleshooting.md") for (const message of messages) assert.ok(texts.includes(message) && sources.includes(message), message);
  });

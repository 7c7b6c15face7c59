// commands.test.mjs — every command in our Markdown is run, or says who runs it, or why nobody does.
//
//   ```sh                                       run, page by page, in one shell that stops at the first failure
//   <!-- run by: tests/fresh/first_run.sh -->   above a block: that test runs it
//   <!-- not run: REASON -->                    above a block
//
// A page's shell stands in a sandbox that looks like the checkout and takes what is written; a real server, a database, a session with
// hello.txt and a certificate are there. `meant` below says what the examples' names mean in it. What runs until it is stopped
// (vibesyncd serve, vibesync watch) is stopped when it has begun, and must end well.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { root, startServer } from "../support/server.mjs";

const bin = path.resolve(process.env.VIBESYNC_BIN ?? path.join(root, "build/release/bin"));
const work = mkdtempSync(path.join(tmpdir(), "vs-docs-"));
const looksLikeCommand = /^\s*(\$ )?(\.\/dev|\. \.|vibesync(d|-load)?|cmake|cc|curl|docker|psql|pg_\w+|npm|npx|node \S+\.m?js|apt|apt-get|systemctl|promtool|sudo|tests\/\S+\.sh|build\/\S+\/bin\/\S+) /;
const ongoing = `
vibesyncd() {
    if [ "$1" != serve ]; then command vibesyncd "$@"; return; fi
    rm -f serving
    (exec vibesyncd "$@" --listen 127.0.0.1:0 >serving 2>log) & local server=$! tries=0
    until grep -q 'serving on' serving; do
        kill -0 $server && [ $((tries += 1)) -lt 300 ] || { cat log >&2; return 1; }
        sleep 0.1
    done
    kill -TERM $server && wait $server
}
vibesync() {
    if [ "$1" != watch ]; then command vibesync "$@"; return; fi
    local status=0
    timeout --signal=INT 1 vibesync "$@" || status=$?
    [ $status = 124 ]
}
`;

// [{ file, line, language, marker: { kind, text }, text }]
function blocks(file) {
  const found = [];
  let open, comment;
  for (const [index, line] of readFileSync(path.join(root, file), "utf8").split("\n").entries()) {
    const fence = /^\s*```(\S*)/.exec(line);
    if (fence && open) {
      found.push(open);
      open = comment = undefined;
    } else if (fence) open = { file, line: index + 1, language: fence[1], marker: comment, text: "" };
    else if (open) open.text += line + "\n";
    else if (line.trim()) {
      const said = /^\s*<!-- (run by|not run): (.+) -->$/.exec(line);
      comment = said ? { kind: said[1], text: said[2] } : undefined;
    }
  }
  assert.equal(open, undefined, `${file}: a block that does not end`);
  return found;
}

function pages(folder = "") {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) return /^(\.git|\.vibesync|build|node_modules|corpus|data)$/.test(entry.name) ? [] : pages(name);
    return entry.name.endsWith(".md") ? [name] : [];
  });
}

let server, meant, environment;

before(async () => {
  server = await startServer();
  const token = path.join(server.folder, "token");
  const demo = JSON.parse(execFileSync(path.join(bin, "vibesync"), ["session", "create", "--name", "demo", "--server", server.url,
    "--admin-token-file", token, "--json"]));
  mkdirSync(path.join(work, "etc"));
  writeFileSync(path.join(work, "etc/admin-token"), readFileSync(token), { mode: 0o600 });
  meant = [
    ["postgresql://vibesync_server@db/vibesync?sslmode=verify-full&sslrootcert=/etc/vibesync/ca.crt", url("vibesync_server")],
    ["postgresql://vibesync_server@db/vibesync", url("vibesync_server")],
    ["postgresql://owner@db/vibesync", url("postgres")],
    ["127.0.0.1:8440", new URL(server.url).host],
    ["/etc/vibesync", path.join(work, "etc")],
  ];
  environment = { HOME: work, LANG: "C.UTF-8", PATH: `${bin}:${process.env.PATH}`, VIBESYNC_SERVER: server.url, VIBESYNC_URL: demo.url };
  execFileSync("vibesync", ["file", "create", "hello.txt"], { env: environment });
});

after(async () => {
  assert.equal(await server?.stop(), 0);
  rmSync(work, { recursive: true, force: true });
});

const url = (role) => `postgresql://${role}@/${server.database}?host=${encodeURIComponent(server.cluster)}`;

function run(page, commands) {
  const sandbox = path.join(work, page.replaceAll("/", "_"));
  mkdirSync(sandbox);
  for (const name of readdirSync(root)) if (!/^(build|node_modules|\.vibesync|\.git)$/.test(name)) symlinkSync(path.join(root, name), path.join(sandbox, name));
  let script = `set -euo pipefail\n${ongoing}`;
  for (const { line, text } of commands) script += `at='${page}:${line}'\n${text}`;
  for (const [name, real] of meant) script = script.replaceAll(name, real);
  const { status, stdout, stderr } = spawnSync("bash", ["-c", `trap '[ $? = 0 ] || echo "in the block at $at" >&2' EXIT\n${script}`],
    { cwd: sandbox, env: environment, timeout: 60_000 });
  assert.equal(status, 0, `${page}\n${stdout}${stderr}`);
}

describe("the commands in our documents", () => {
  let count = 0;
  for (const page of pages().filter((name) => name !== "CHANGELOG.md")) {
    const all = blocks(page);
    const commands = all.filter(({ language, marker }) => language === "sh" && !marker);
    for (const { line, language, marker, text } of all) {
      if (marker?.kind === "run by")
        test(`${page}:${line} names a test that is there`, () => assert.ok(existsSync(path.join(root, marker.text.split(",")[0])), marker.text));
      else if (/^(bash|shell|console|text)$/.test(language)) test(`${page}:${line}`, () => assert.fail(`sh or nothing, not ${language}`));
      else if (!marker && language === "")
        test(`${page}:${line} holds no command that is not run`, () =>
          assert.deepEqual(text.split("\n").filter((one) => looksLikeCommand.test(one)), [], "label it sh, or say above it who runs it, or why nobody does"));
    }
    if (!commands.length) continue;
    count += commands.length;
    test(`${page}: ${commands.length} blocks run`, () => run(page, commands));
  }
  test("there are some", () => assert.ok(count >= 4, `${count}`));
});

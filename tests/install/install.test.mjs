// install.test.mjs — what `cmake --install` lays down works where it lies: the programs, the page, and both libraries for a program that
// knows nothing but pkg-config. $VIBESYNC_BUILD is the build to install.
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { root } from "../support/server.mjs";

const run = promisify(execFile);
const work = mkdtempSync(path.join(tmpdir(), "vs-install-"));
const prefix = path.join(work, "a prefix");
const at = (...parts) => path.join(prefix, ...parts);
let server;

before(async () => {
  execFileSync("cmake", ["--install", process.env.VIBESYNC_BUILD ?? path.join(root, "build/release"), "--prefix", prefix]);
  process.env.VIBESYNC_BIN = at("bin");
  const { startServer } = await import("../support/server.mjs?installed");
  server = await startServer({ webRoot: at("share/vibesync/web") });
});

after(async () => {
  assert.equal(await server?.stop(), 0);
  rmSync(work, { recursive: true, force: true });
});

test("every program says its version and has a manual page", async () => {
  assert.deepEqual(readdirSync(at("bin")).sort(), ["vibesync", "vibesync-load", "vibesyncd"]);
  for (const [program, section] of [["vibesync", 1], ["vibesync-load", 1], ["vibesyncd", 8]]) {
    const { stdout } = await run(at("bin", program), ["--version"]);
    assert.match(stdout, /^\S+ \d+\.\d+\.\d+$/m);
    assert.match(readFileSync(at("share/man", `man${section}`, `${program}.${section}`), "utf8"), /^\.Sh SYNOPSIS$/m);
  }
});

test("the installed server serves the installed page", async () => {
  const answer = await fetch(server.url);
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /<script/);
});

test("the example of the settings is one, and the unit starts the program where it was built for", async () => {
  await run(at("bin/vibesyncd"), ["config", "check", "--database", "postgresql:///vibesync", "--config", at("share/doc/vibesync/examples/vibesyncd.conf.example")]);
  const unit = readFileSync(at("lib/systemd/system/vibesyncd.service"), "utf8");
  assert.match(unit, /^ExecStart=\/usr\/local\/bin\/vibesyncd serve /m);
  for (const name of ["dashboard.json", "vibesync.rules.yml"]) assert.ok(existsSync(at("share/doc/vibesync/monitoring", name)), name);
});

// The example of the client library, built four ways by pkg-config alone, beside a session of the installed command line.
test("a program finds the client library by pkg-config, shared and static", async (t) => {
  const { url } = JSON.parse(
    (await run(at("bin/vibesync"), ["session", "create", "--name", "demo", "--server", server.url, "--admin-token-file", path.join(server.folder, "token"), "--json"])).stdout,
  );
  const environment = { ...process.env, VIBESYNC_URL: url };
  await run(at("bin/vibesync"), ["file", "create", "hello.txt"], { env: environment });
  const typed = run(at("bin/vibesync"), ["type", "hello.txt"], { env: environment });
  typed.child.stdin.end("installed\n");
  await typed;

  const pkgConfig = (folder, ...words) =>
    execFileSync("pkg-config", [...words, "vibesync-client"], { env: { ...process.env, PKG_CONFIG_PATH: path.join(folder, "pkgconfig") } })
      .toString().trim().match(/(?:\\.|\S)+/g).map((word) => word.replace(/\\(.)/g, "$1"));
  const source = path.join(root, "clients/c/examples/tail_file.c");
  const shared = at("lib");
  // Where only the archives are, the linker has no choice.
  const archives = at("archives");
  execFileSync("sh", ["-c", 'mkdir "$2" && cp -r "$1"/*.a "$1"/pkgconfig "$2"', "sh", shared, archives]);
  for (const [kind, folder, words] of [["shared", shared, []], ["static", archives, ["--static"]]]) {
    await t.test(kind, async () => {
      const program = path.join(work, kind);
      execFileSync("cc", ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Werror", source, "-o", program,
        ...pkgConfig(folder, "--cflags", "--libs", ...words)]);
      const libraries = execFileSync("ldd", [program], { env: { ...process.env, LD_LIBRARY_PATH: shared } }).toString();
      assert.equal(libraries.includes(at("lib/libvibesync-client.so.0")), kind === "shared", libraries);
      const tail = execFile(program, [url, "hello.txt"], { env: { ...process.env, LD_LIBRARY_PATH: shared } });
      let said = "";
      tail.stdout.on("data", (text) => {
        said += text;
        if (said.includes("installed")) tail.kill();
      });
      tail.stderr.on("data", (text) => (said += text));
      await new Promise((resolve) => tail.once("close", resolve));
      assert.match(said, /^---- hello.txt, 10 bytes\ninstalled\n/);
    });
  }
});

test("the client library exports what its headers declare, and needs no more than it says", () => {
  const library = at("lib/libvibesync-client.so");
  const headers = execFileSync("sh", ["-c", 'find "$1" -name "*.h" -exec cat {} +', "sh", at("include")], { maxBuffer: 1 << 24 }).toString();
  const declared = new Set(headers.match(/\b[a-z_0-9]+(?=\()/g));
  const symbols = execFileSync("nm", ["-D", "--defined-only", "--format=posix", library]).toString().trim().split("\n").map((line) => line.split(" "));
  const functions = symbols.filter(([, kind]) => kind === "T").map(([name]) => name);
  assert.deepEqual(functions.filter((name) => !declared.has(name)), []);
  for (const name of ["client_create", "client_poll_create", "client_chat_send", "uuid_format"]) assert.ok(functions.includes(name), name);
  assert.ok(!existsSync(at("include/vibesync/wire/http.h")), "protocol's insides are not for others");
  const needed = execFileSync("objdump", ["-p", library]).toString().match(/(?<=NEEDED +)\S+/g);
  assert.deepEqual(needed.filter((name) => /pq|uv|zstd/.test(name)), [], "the client knows no database and no loop");
});

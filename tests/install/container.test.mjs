// container.test.mjs — Dockerfile and compose.yaml as far as they can be held to something where no container engine is: what they copy is
// there, what they install is what the programs need, every setting is one of ours, and the commands of compose.yaml bring up a server.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { freePort, root, TestServer } from "../support/server.mjs";

const bin = path.join(process.env.VIBESYNC_BUILD ?? path.join(root, "build/release"), "bin");
const read = (name) => readFileSync(path.join(root, name), "utf8");
const compose = parse(read("compose.yaml"));
const { server, migrate } = compose.services;
const work = mkdtempSync(path.join(tmpdir(), "vs-container-"));

// [{ word: "RUN", rest, stage }], continued lines joined.
const instructions = [];
for (const line of read("Dockerfile").replace(/\\\n/g, " ").split("\n").filter((one) => one && !one.startsWith("#"))) {
  const [, word, rest] = /^([A-Z]+) (.*)$/.exec(line);
  const stage = word === "FROM" ? (/ AS (\w+)$/.exec(rest)?.[1] ?? "last") : instructions.at(-1).stage;
  instructions.push({ word, rest, stage });
}
const of = (word, stage) => instructions.filter((one) => one.word === word && (!stage || one.stage === stage)).map(({ rest }) => rest);
const packages = (stage) => of("RUN", stage).join(" ").split("--no-install-recommends")[1].split("&&")[0].trim().split(/\s+/);
const environment = Object.fromEntries(of("ENV").join(" ").split(/\s+/).map((one) => one.split("=")));

let cluster;

before(async () => {
  cluster = new TestServer({});
  await cluster.prepare();
  await cluster.stop(); // compose.yaml starts its own
});

after(() => rmSync(work, { recursive: true, force: true }));

test("the Dockerfile copies what is there, from stages that are there", () => {
  for (const rest of of("COPY")) {
    const [, from, source] = /^(?:--from=(\w+) )?(\S+) \S+$/.exec(rest);
    if (from) assert.ok(instructions.some(({ stage }) => stage === from), rest);
    else assert.ok(existsSync(path.join(root, source)), rest);
  }
  const ignored = read(".dockerignore").split("\n");
  for (const needed of ["clients", "crdt", "server", "docs", "tests/convergence"]) assert.ok(!ignored.includes(needed), needed);
});

test("what it installs to build is what the Debian package builds with, and to run what the programs link", () => {
  const wanted = /Build-Depends: ([^]*?)\n\n/.exec(read("debian/control"))[1].replace(/\([^)]*\)/g, "").split(",").map((one) => one.trim());
  assert.deepEqual(wanted.filter((one) => !/^debhelper/.test(one) && !packages("build").includes(one)), []);
  const libraries = new Set(["vibesyncd", "vibesync", "vibesync-load"].flatMap((program) =>
    execFileSync("objdump", ["-p", path.join(bin, program)]).toString().match(/(?<=NEEDED +)\S+/g)));
  const owners = [...libraries].map((library) => {
    const file = execFileSync("sh", ["-c", `readlink -f "$(ldconfig -p | sed -n 's/.*${library.replace(/[.+]/g, "\\.")} .*=> //p' | head -n 1)"`]).toString().trim();
    const { stdout } = spawnSync("dpkg", ["-S", file]);
    return stdout.toString().split(":")[0] || spawnSync("dpkg", ["-S", file.replace(/^\/usr/, "")]).stdout.toString().split(":")[0];
  });
  assert.deepEqual([...new Set(owners)].filter((name) => name !== "libc6" && !packages("last").includes(name)), []);
});

test("every setting in Dockerfile and compose.yaml is one of vibesyncd's", () => {
  const settings = { ...environment, ...server.environment };
  const { status, stderr } = spawnSync(path.join(bin, "vibesyncd"), ["config", "check"], { env: { PATH: process.env.PATH, ...settings } });
  assert.equal(status, 0, stderr.toString());
  const known = execFileSync(path.join(bin, "vibesyncd"), ["config", "show"], { env: settings }).toString();
  for (const name of Object.keys(settings)) assert.ok(known.includes(name.replace("VIBESYNC_", "").toLowerCase().replaceAll("_", "-")), name);
});

test("compose.yaml names nothing that it does not define", () => {
  const services = Object.values(compose.services);
  for (const service of services) {
    for (const secret of service.secrets) assert.ok(secret in compose.secrets, secret);
    for (const other of Object.keys(service.depends_on ?? {})) assert.ok(other in compose.services, other);
    for (const volume of service.volumes ?? []) assert.ok(volume.split(":")[0] in compose.volumes, volume);
  }
  assert.ok(of("USER", "last").length === 1 && of("HEALTHCHECK", "last").length === 1);
  assert.equal(server.ports[0].split(":").at(-1), of("EXPOSE")[0]);
  assert.ok(parseInt(server.stop_grace_period) * 1000 > 30_000, "longer than --drain-ms");
});

test("the commands of compose.yaml migrate a database and bring up a server that its health check finds well", async () => {
  mkdirSync(path.join(work, "secrets"));
  mkdirSync(path.join(work, "run"));
  for (const name of Object.keys(compose.secrets)) writeFileSync(path.join(work, "secrets", name), "0123456789abcdef-of-this-test\n");
  const port = await freePort();
  const here = (text) => text.replaceAll("$$", "$").replaceAll("/run/secrets", path.join(work, "secrets")).replaceAll("/run/vibesync", path.join(work, "run"))
    .replaceAll("vibesync_owner@", "postgres@").replaceAll("@database/vibesync", `@/${cluster.database}?host=${encodeURIComponent(cluster.cluster)}`);
  const [shell, ...options] = server.entrypoint;
  const env = { PATH: `${bin}:${process.env.PATH}` };
  execFileSync(shell, [...options, here(migrate.command[0])], { env, stdio: ["ignore", "ignore", "inherit"] });
  const settings = { ...environment, ...server.environment, VIBESYNC_LISTEN: `127.0.0.1:${port}`, VIBESYNC_WEB_ROOT: path.join(root, "build/web"),
    VIBESYNC_DATABASE: here(server.environment.VIBESYNC_DATABASE) };
  const child = spawn(shell, [...options, here(server.command[0])], { env: { ...env, ...settings }, stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (text) => (log += text));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  try {
    const check = JSON.parse(/CMD (\[.*\])$/.exec(of("HEALTHCHECK")[0])[1]).map((word) => word.replace("8440", port));
    let healthy = false;
    for (let tries = 0; tries < 300 && !healthy; tries++) {
      healthy = spawnSync(check[0], check.slice(1)).status === 0 && (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.ok(healthy, log);
    const made = execFileSync(path.join(bin, "vibesync"), ["session", "create", "--name", "demo", "--server", `http://127.0.0.1:${port}`,
      "--admin-token-file", path.join(work, "run/admin-token")]).toString();
    assert.match(made, /sessions/);
  } finally {
    child.kill(of("STOPSIGNAL")[0]);
    assert.equal(await ended, 0);
  }
});

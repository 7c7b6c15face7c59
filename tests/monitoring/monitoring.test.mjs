// monitoring.test.mjs — docs/monitoring against what a server really says: promtool on rules and /metrics, then a Prometheus that scrapes
// a live server by the configuration in docs/metrics.md and answers every expression of the dashboard.
//
// prometheus and promtool come from `./dev peers`.
import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { freePort, root, startServer } from "../support/server.mjs";

const folder = path.join(root, "docs/monitoring");
const rules = path.join(folder, "vibesync.rules.yml");
const dashboard = JSON.parse(readFileSync(path.join(folder, "dashboard.json"), "utf8"));
const panels = dashboard.panels.filter((panel) => panel.type !== "row");
const bin = path.resolve(process.env.VIBESYNC_BIN ?? path.join(root, "build/release/bin"));
const work = mkdtempSync(path.join(tmpdir(), "vs-monitoring-"));

let server, metrics, prometheus, api;

before(async () => {
  server = await startServer({ settings: ["--loops", "2"] });
  const { url } = JSON.parse(execFileSync(path.join(bin, "vibesync"), ["session", "create", "--name", "demo", "--server", server.url,
    "--admin-token-file", path.join(server.folder, "token"), "--json"]));
  const environment = { ...process.env, VIBESYNC_URL: url };
  execFileSync(path.join(bin, "vibesync"), ["file", "create", "hello.txt"], { env: environment });
  // Somebody types as long as Prometheus looks.
  const typist = spawn(path.join(bin, "vibesync"), ["type", "hello.txt"], { env: environment, stdio: ["pipe", "ignore", "inherit"] });
  const keys = setInterval(() => typist.stdin.write("a line\n"), 100);
  await startPrometheus();
  await until("Prometheus has seen ten scrapes", async () => (await ask('count_over_time(up{job="vibesync"}[1m])'))[0]?.value[1] >= 10);
  clearInterval(keys);
  typist.stdin.end();
  const answer = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${readFileSync(path.join(server.folder, "token"))}` } });
  assert.equal(answer.status, 200);
  metrics = await answer.text();
});

after(async () => {
  prometheus?.kill("SIGKILL");
  await server?.stop();
  rmSync(work, { recursive: true, force: true });
});

async function until(what, probe) {
  for (let tries = 0; tries < 600; tries++) {
    if (await probe().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not within 30 s: ${what}`);
}

// The configuration that the documentation gives, with this server's address and token, and a shorter interval.
async function startPrometheus() {
  const documented = /```yaml\n([^]*?)```/.exec(readFileSync(path.join(root, "docs/metrics.md"), "utf8"))[1];
  const config = documented.replace("127.0.0.1:8440", new URL(server.url).host).replace("/etc/prometheus/vibesync-token", path.join(server.folder, "token"));
  assert.ok(config.includes(server.folder) && config.includes(String(server.port)));
  writeFileSync(path.join(work, "prometheus.yml"), `global: { scrape_interval: 300ms, scrape_timeout: 300ms, evaluation_interval: 300ms }\nrule_files: ["${rules}"]\n${config}`);
  const port = await freePort();
  api = `http://127.0.0.1:${port}/api/v1`;
  prometheus = spawn("prometheus", [`--config.file=${work}/prometheus.yml`, `--storage.tsdb.path=${work}/data`,
    `--web.listen-address=127.0.0.1:${port}`], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  prometheus.stderr.on("data", (text) => (log += text));
  let ended;
  prometheus.once("error", (error) => (ended = error.message)).once("exit", () => (ended = log));
  await until("Prometheus is ready", async () => {
    assert.equal(ended, undefined);
    return (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok;
  });
}

async function ask(expression) {
  const answer = await fetch(`${api}/query?query=${encodeURIComponent(expression)}`);
  const { status, error, data } = await answer.json();
  assert.equal(status, "success", `${expression}: ${error}`);
  return data.result;
}

const promtool = (...words) => execFileSync("promtool", words, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] }).toString();

test("the alerts are well-formed, and fire for the series that should fire them and for no others", () => {
  assert.match(promtool("check", "rules", rules), /10 rules found/);
  promtool("test", "rules", "vibesync.rules.test.yml");
  const tests = readFileSync(path.join(folder, "vibesync.rules.test.yml"), "utf8");
  for (const [, alert] of readFileSync(rules, "utf8").matchAll(/alert: (\S+)/g))
    assert.match(tests, new RegExp(`alertname: ${alert}\\b[^]*?exp_alerts:\\n`), `${alert} is never seen to fire`);
});

test("what the server says is in Prometheus' format, by its own linter", async () => {
  const said = await new Promise((resolve) => {
    const child = execFile("promtool", ["check", "metrics"], (error, out, err) => resolve({ code: error?.code ?? 0, text: out + err }));
    child.stdin.end(metrics);
  });
  assert.deepEqual(said, { code: 0, text: "" });
});

test("dashboard and alerts ask for nothing that the server does not count", () => {
  const there = new Set([...metrics.matchAll(/^([a-z_]+)(?=[{ ])/gm)].map(([, name]) => name));
  const asked = readFileSync(rules, "utf8") + panels.flatMap((panel) => panel.targets.map(({ expr }) => expr)).join("\n");
  const names = new Set(asked.match(/\b(vibesync|process)_[a-z_]+/g));
  assert.ok(names.size > 25);
  assert.deepEqual([...names].filter((name) => !there.has(name)), []);
});

test("every expression of the dashboard has an answer", async () => {
  const empty = [];
  for (const panel of panels)
    for (const { expr } of panel.targets) {
      const expression = expr.replaceAll("$__rate_interval", "1m").replaceAll("$job", "vibesync").replaceAll("$instance", ".*");
      assert.ok(!expression.includes("$"), expression);
      const result = await ask(expression);
      if (!result.length || result.some(({ value }) => value[1] === "NaN")) empty.push(panel.title);
    }
  assert.deepEqual(empty, ["Limits reached"], "nothing was limited, and everything else has data");
  for (const variable of dashboard.templating.list.filter(({ type }) => type === "query")) {
    const [, metric, label] = /^label_values\((.*), (\w+)\)$/.exec(variable.query);
    const series = await ask(metric.replaceAll("$job", "vibesync"));
    assert.ok(series.length && series.every(({ metric }) => metric[label]), variable.name);
  }
});

test("Prometheus takes the alerts, and a server that is well fires none", async () => {
  await until("the rules are evaluated", async () => {
    const { data } = await (await fetch(`${api}/rules`)).json();
    return data.groups.every((group) => group.rules.every((rule) => rule.health === "ok"));
  });
  assert.deepEqual((await (await fetch(`${api}/alerts`)).json()).data.alerts, []);
});

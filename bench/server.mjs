/* server.mjs — vibesyncd beside the floor and beside other sync servers, one scenario after the other.
 *
 *     node bench/server.mjs [--rounds N] [--json FILE] [--servers LIST] [SCENARIO…]          (./dev bench server …)
 *
 *   for each scenario, for each round: each server in turn, fresh, on the first core; vibesync-load (and PostgreSQL) on the others
 *
 * Prints the median of the rounds of what one delivery (a join, an idle connection) cost each server, and how many times that is
 * vibesyncd's. Only ratios of one run mean anything. On a machine with one core nothing is pinned, and the figures mean less. */
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { freePort, root, startServer } from "../tests/support/server.mjs";

const run = promisify(execFile);
const bin = path.join(root, "build/release/bin");
const peers = path.join(root, "bench/peers/server");
const cores = cpus().length;

/** What each scenario is judged by: a field of vibesync-load's report, what it is called, and against whom. */
const figures = {
  "s1": ["server_cpu_us_per_delivery", "µs/delivery"],
  "s2": ["server_cpu_us_per_delivery", "µs/delivery"],
  "s3": ["server_cpu_us_per_delivery", "µs/delivery"],
  "s4": ["server_user_kb_per_connection", "kB/connection"],
  "s5": ["server_cpu_ms_per_join", "ms/join"],
  "s6": ["server_cpu_us_per_delivery", "µs/delivery"],
  "long-run": ["server_cpu_us_per_delivery", "µs/delivery"],
  "recorded": ["server_cpu_us_per_delivery", "µs/delivery"],
  "slow-readers": ["server_cpu_us_per_delivery", "µs/delivery"],
};
const without = { s5: ["floor"] }; // it has no document to join

function pin(pid, core) {
  if (cores > 1) execFileSync("taskset", ["-acp", core, String(pid)], { stdio: "ignore" });
}

/** A child that says "serving" once it serves. */
async function startChild(command, words) {
  const port = await freePort();
  const child = spawn(command, [...words, String(port)], { stdio: ["ignore", "pipe", "inherit"] });
  const [text] = await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
  if (!String(text).includes("serving")) throw new Error(`${command} ${words.join(" ")} does not start`);
  return { port, pid: child.pid, stop: async () => (child.kill("SIGKILL"), once(child, "exit")) };
}

const servers = {
  async floor() {
    return { door: "bare", ...(await startChild(path.join(bin, "floor"), [])) };
  },
  async vibesyncd() {
    const server = await startServer({ settings: ["--loops", "1", "--log-level", "warn"] });
    return { door: "native", port: server.port, pid: server.child.pid, stop: () => server.stop(), token: path.join(server.folder, "token") };
  },
  async "vibesyncd-y"() {
    return { ...(await servers.vibesyncd()), door: "y" };
  },
  async "y-websocket"() {
    return { door: "yws", ...(await startChild(process.execPath, [path.join(peers, "y-websocket.mjs")])) };
  },
  async hocuspocus() {
    return { door: "hocuspocus", ...(await startChild(process.execPath, [path.join(peers, "hocuspocus.mjs")])) };
  },
};

async function measure(name, scenario) {
  const server = await servers[name]();
  try {
    pin(server.pid, "0");
    const words = ["--server", `http://127.0.0.1:${server.port}`, "--door", server.door, "--pid", String(server.pid), "--json"];
    if (server.token) words.push("--admin-token-file", server.token);
    words.push(path.join(root, `bench/load/scenarios/${scenario}.txt`));
    const pinned = cores > 1 ? ["taskset", ["-c", `1-${cores - 1}`, path.join(bin, "vibesync-load"), ...words]] : [path.join(bin, "vibesync-load"), words];
    const { stdout, stderr } = await run(...pinned).catch((error) => {
      if (!error.stdout) throw new Error(`${name}, ${scenario}: ${error.stderr}`);
      return error; // something was lost: the report says so
    });
    if (stderr) process.stderr.write(stderr);
    return JSON.parse(stdout);
  } finally {
    await server.stop();
  }
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

function print(scenario, reports) {
  const [field, unit] = figures[scenario];
  const of = (name, key) => median(reports[name].map((report) => report[key]));
  const ours = reports.vibesyncd ? of("vibesyncd", field) : NaN;
  console.log(`\n${scenario}  (${unit})`);
  console.log(`  ${"".padEnd(12)} ${"median".padStart(9)} ${"least".padStart(9)} ${"× ours".padStart(8)} ${"per s".padStart(9)} ${"p50 ms".padStart(8)} ${"p99 ms".padStart(8)} ${"lost".padStart(6)} ${"peak MB".padStart(8)} ${"load %".padStart(7)}`);
  for (const name of Object.keys(reports)) {
    const value = of(name, field);
    const least = Math.min(...reports[name].map((report) => report[field]));
    console.log(`  ${name.padEnd(12)} ${value.toFixed(3).padStart(9)} ${least.toFixed(3).padStart(9)} ${(value / ours).toFixed(2).padStart(8)} ${of(name, "deliveries_per_second").toFixed(0).padStart(9)} ` +
      `${of(name, "latency_p50_ms").toFixed(2).padStart(8)} ${of(name, "latency_p99_ms").toFixed(2).padStart(8)} ${String(of(name, "lost") + of(name, "states_late")).padStart(6)} ${of(name, "server_peak_growth_mb").toFixed(1).padStart(8)} ${of(name, "generator_cpu_percent").toFixed(0).padStart(7)}`);
  }
}

function options(words) {
  const chosen = { rounds: 3, scenarios: [], servers: Object.keys(servers) };
  for (let i = 0; i < words.length; i++) {
    if (words[i] === "--rounds") chosen.rounds = Number(words[++i]);
    else if (words[i] === "--json") chosen.json = words[++i];
    else if (words[i] === "--servers") chosen.servers = words[++i].split(",");
    else if (words[i] in figures) chosen.scenarios.push(words[i]);
    else throw new Error(`unknown: ${words[i]}; scenarios are ${Object.keys(figures).join(", ")}`);
  }
  if (!chosen.scenarios.length) chosen.scenarios = Object.keys(figures);
  return chosen;
}

const chosen = options(process.argv.slice(2));
const all = {};
for (const scenario of chosen.scenarios) {
  const names = chosen.servers.filter((name) => !without[scenario]?.includes(name));
  const reports = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < chosen.rounds; round++) for (const name of names) reports[name].push(await measure(name, scenario));
  all[scenario] = reports;
  print(scenario, reports);
}
if (chosen.json) writeFileSync(chosen.json, JSON.stringify(all, null, 1));

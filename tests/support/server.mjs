/* server.mjs — the real vibesyncd with a real PostgreSQL behind it, for tests in Node. Needs no npm package.
 *
 *     const server = await startServer({ webRoot });      a fresh database, a free port
 *     const { session, code, token } = await server.createSession("demo");
 *     await server.kill(); await server.start();           kill -9, and again on the same port with the same database
 *     await server.stop();
 *
 * The programs are those in $VIBESYNC_BIN (build/release/bin). The cluster is the test run's ($VIBESYNC_TEST_PG), else a private one
 * which ends with this process. */
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const bin = path.resolve(process.env.VIBESYNC_BIN ?? path.join(root, "build/release/bin"));
const run = promisify(execFile);
const adminToken = "an-admin-token-of-this-test";

let privateCluster;

/** Directory of the cluster's socket. */
function clusterDirectory() {
  let state = process.env.VIBESYNC_TEST_PG;
  if (!state) {
    if (!privateCluster) {
      privateCluster = path.join(mkdtempSync(path.join(tmpdir(), "vs-test-")), "pg_cluster");
      execFileSync(path.join(bin, "pg_cluster_main"), ["start", privateCluster], { stdio: ["ignore", "inherit", "inherit"] });
      process.once("exit", () => {
        execFileSync(path.join(bin, "pg_cluster_main"), ["stop", privateCluster], { stdio: "ignore" });
        rmSync(path.dirname(privateCluster), { recursive: true, force: true });
      });
    }
    state = privateCluster;
  }
  return readFileSync(state, "utf8").split("\n")[0];
}

export async function freePort() {
  const probe = net.createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

export class TestServer {
  constructor(options) {
    this.options = options;
    this.log = "";
  }

  get url() {
    return `${this.options.scheme ?? "http"}://127.0.0.1:${this.port}`;
  }

  databaseUrl(user) {
    return `host=${this.cluster} port=5432 user=${user} dbname=${this.database}`;
  }

  /** Runs SQL as the owner; rows of tab-separated columns. */
  async sql(text) {
    const { stdout } = await run("psql", [this.databaseUrl("postgres"), "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", text]);
    return stdout.trimEnd();
  }

  /** Runs statements about the database from outside of it. */
  async #maintain(...statements) {
    const maintenance = `host=${this.cluster} port=5432 user=postgres dbname=postgres`;
    await run("psql", [maintenance, "-Xq", "-v", "ON_ERROR_STOP=1", ...statements.flatMap((one) => ["-c", one])]);
  }

  /** Ends the server's connections to its database and lets none in, until `databaseBack`. */
  async databaseAway() {
    const cut = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${this.database}'`;
    await this.#maintain(`alter database ${this.database} with allow_connections false`, cut);
  }

  async databaseBack() {
    await this.#maintain(`alter database ${this.database} with allow_connections true`);
  }

  async prepare() {
    this.cluster = clusterDirectory();
    this.database = `n${process.pid}_${process.hrtime.bigint()}`;
    this.port = await freePort();
    await this.#maintain(`create database ${this.database} template template0`);
    await run(path.join(bin, "vibesyncd"), ["migrate", "--database", this.databaseUrl("postgres"), "--server-role", "vibesync_server"]);
    this.folder = mkdtempSync(path.join(tmpdir(), "vs-server-"));
    writeFileSync(path.join(this.folder, "token"), adminToken, { mode: 0o600 });
    await this.start();
    return this;
  }

  /** Starts it (again) and resolves when it is ready. */
  async start() {
    const { webRoot, settings = [] } = this.options;
    const words = ["serve", "--listen", `127.0.0.1:${this.port}`, "--database", this.databaseUrl("vibesync_server")];
    words.push("--admin-token-file", path.join(this.folder, "token"), ...settings);
    if (webRoot) words.push("--web-root", webRoot);
    const child = spawn(path.join(bin, "vibesyncd"), words, { stdio: ["ignore", "pipe", "pipe"] });
    this.child = child;
    child.stderr.on("data", (text) => (this.log += text));
    child.stdout.on("data", (text) => (this.log += text));
    this.ended = once(child, "exit");
    for (let tries = 0; ; tries++) {
      const ready = await fetch(`${this.url}/readyz`).then((answer) => answer.ok, () => false);
      if (ready) return;
      if (child.exitCode !== null || tries > 300) throw new Error(`vibesyncd does not start:\n${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** kill -9; resolves when it is dead. */
  async kill() {
    this.child.kill("SIGKILL");
    await this.ended;
  }

  /** SIGTERM; its exit status. */
  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGTERM");
    const [status] = await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
    return status;
  }

  async createSession(name = "demo", more = {}) {
    const answer = await fetch(`${this.url}/v1/sessions`, {
      method: "POST",
      headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
      body: JSON.stringify({ name, owner: "Owner", max_participants: 50, ...more }),
    });
    if (answer.status !== 201) throw new Error(`no session: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }
}

/** options: webRoot (a folder of pages), settings (more words for `serve`), scheme ("https" if these make it so). */
export function startServer(options = {}) {
  return new TestServer(options).prepare();
}

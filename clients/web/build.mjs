/* build.mjs — the page, into build/web: one program, its style, and a part for each language, which is fetched when a file needs it.
 *
 *   node build.mjs [--out FOLDER]
 *
 *   index.html                  never cached: names the others
 *   assets/NAME-HASH.{js,css}   cached for ever: another content has another name; each with a .gz beside it */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, context } from "esbuild";

export const here = path.dirname(fileURLToPath(import.meta.url));
const at = process.argv.indexOf("--out");
const out = path.resolve(at > 0 ? process.argv[at + 1] : path.join(here, "../../build/web"));

export const options = {
  entryPoints: { app: path.join(here, "src/main.ts") },
  bundle: true,
  format: "esm",
  splitting: true,
  target: ["es2022"],
  outdir: path.join(out, "assets"),
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  metafile: true,
  minify: true,
  legalComments: "none",
  logLevel: "warning",
};

/** index.html with the names of what was built. */
export function page(metafile, folder, extra = "") {
  const outputs = Object.entries(metafile.outputs);
  const [script, entry] = outputs.find(([file, output]) => file.endsWith(".js") && output.entryPoint?.endsWith("src/main.ts"));
  const url = (file) => "/" + path.relative(folder, path.resolve(file)).split(path.sep).join("/");
  const now = entry.imports.filter((one) => one.kind === "import-statement").map((one) => one.path);
  const head = [
    `<link rel="stylesheet" href="${url(entry.cssBundle)}">`,
    ...now.map((file) => `<link rel="modulepreload" href="${url(file)}">`),
    `<script type="module" src="${url(script)}"></script>`,
    extra,
  ];
  return readFileSync(path.join(here, "src/index.html"), "utf8").replace("<!-- built -->", head.filter(Boolean).join("\n    "));
}

export function buildClient() {
  const tsc = path.join(here, "../node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", path.join(here, "../js")], { stdio: "inherit" });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  buildClient();
  rmSync(out, { recursive: true, force: true });
  mkdirSync(path.join(out, "assets"), { recursive: true });
  const { metafile } = await build(options);
  cpSync(path.join(here, "static"), out, { recursive: true });
  writeFileSync(path.join(out, "index.html"), page(metafile, out));
  let all = 0;
  for (const file of readdirSync(path.join(out, "assets"))) {
    const content = readFileSync(path.join(out, "assets", file));
    const packed = gzipSync(content, { level: 9 });
    writeFileSync(path.join(out, "assets", file + ".gz"), packed);
    if (/^app-/.test(file)) all += packed.length;
  }
  console.log(`the page: ${path.relative(process.cwd(), out)}, ${Math.round(all / 1024)} KB gzip before languages`);
}

export { context };

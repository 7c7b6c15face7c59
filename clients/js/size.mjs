/* How large the client is for a page: bundled for browsers and minified, then gzip -9; yjs and lib0 (which yjs brings) are not in it,
 * y-protocols is. Fails above the budget. */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const budget = 15 * 1024;
const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL("dist/index.js", import.meta.url))],
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  external: ["yjs", "lib0", "lib0/*"],
  write: false,
});
const size = gzipSync(outputFiles[0].contents, { level: 9 }).length;
console.log(`@vibesync/client: ${size} bytes gzip of ${outputFiles[0].contents.length} (budget ${budget})`);
process.exitCode = size > budget ? 1 : 0;

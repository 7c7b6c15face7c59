/* languages.ts — which mode a file gets, by its name. Each is a part of its own, fetched when the first such file is opened. */
import { type LanguageSupport, StreamLanguage } from "@codemirror/language";
import type { Extension } from "@codemirror/state";

interface Language {
  name: string;
  load: () => Promise<Extension>;
}

const stream = (load: () => Promise<Parameters<typeof StreamLanguage.define>[0]>) => async () => StreamLanguage.define(await load());
const script = (options: { typescript?: boolean; jsx?: boolean }) => async (): Promise<LanguageSupport> =>
  (await import("@codemirror/lang-javascript")).javascript(options);

const languages: Record<string, Language> = {
  js: { name: "JavaScript", load: script({ jsx: true }) },
  ts: { name: "TypeScript", load: script({ typescript: true }) },
  tsx: { name: "TSX", load: script({ typescript: true, jsx: true }) },
  py: { name: "Python", load: async () => (await import("@codemirror/lang-python")).python() },
  json: { name: "JSON", load: async () => (await import("@codemirror/lang-json")).json() },
  html: { name: "HTML", load: async () => (await import("@codemirror/lang-html")).html() },
  css: { name: "CSS", load: async () => (await import("@codemirror/lang-css")).css() },
  md: { name: "Markdown", load: async () => (await import("@codemirror/lang-markdown")).markdown() },
  c: { name: "C", load: async () => (await import("@codemirror/lang-cpp")).cpp() },
  cpp: { name: "C++", load: async () => (await import("@codemirror/lang-cpp")).cpp() },
  java: { name: "Java", load: async () => (await import("@codemirror/lang-java")).java() },
  rs: { name: "Rust", load: async () => (await import("@codemirror/lang-rust")).rust() },
  go: { name: "Go", load: async () => (await import("@codemirror/lang-go")).go() },
  php: { name: "PHP", load: async () => (await import("@codemirror/lang-php")).php() },
  sql: { name: "SQL", load: async () => (await import("@codemirror/lang-sql")).sql() },
  xml: { name: "XML", load: async () => (await import("@codemirror/lang-xml")).xml() },
  yaml: { name: "YAML", load: async () => (await import("@codemirror/lang-yaml")).yaml() },
  sh: { name: "Shell", load: stream(async () => (await import("@codemirror/legacy-modes/mode/shell")).shell) },
  rb: { name: "Ruby", load: stream(async () => (await import("@codemirror/legacy-modes/mode/ruby")).ruby) },
  lua: { name: "Lua", load: stream(async () => (await import("@codemirror/legacy-modes/mode/lua")).lua) },
  toml: { name: "TOML", load: stream(async () => (await import("@codemirror/legacy-modes/mode/toml")).toml) },
  dockerfile: { name: "Dockerfile", load: stream(async () => (await import("@codemirror/legacy-modes/mode/dockerfile")).dockerFile) },
  cmake: { name: "CMake", load: stream(async () => (await import("@codemirror/legacy-modes/mode/cmake")).cmake) },
};

const aliases: Record<string, string> = {
  mjs: "js", cjs: "js", jsx: "js", mts: "ts", cts: "ts", pyw: "py", pyi: "py", htm: "html", svg: "xml", markdown: "md", h: "c", cc: "cpp", cxx: "cpp",
  hpp: "cpp", hh: "cpp", yml: "yaml", bash: "sh", zsh: "sh", jsonc: "json", "cmakelists.txt": "cmake", makefile: "sh",
};

const plain: Language = { name: "Plain text", load: async () => [] };

export function languageOf(path: string): Language {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  const ending = name.slice(name.lastIndexOf(".") + 1);
  for (const key of [name, ending]) {
    const known = Object.hasOwn(aliases, key) ? aliases[key]! : key;
    if (Object.hasOwn(languages, known)) return languages[known]!;
  }
  return plain;
}

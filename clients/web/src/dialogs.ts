/* dialogs.ts — what asks or tells something over the page: a question, the list of files to choose from, a passing note. */
import type { File } from "@vibesync/client";
import { h } from "./dom.js";

function show(dialog: HTMLDialogElement): void {
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.showModal();
}

/** Resolves to whether the person agreed. */
export function confirm(title: string, text: string, action: string): Promise<boolean> {
  return new Promise((resolve) => {
    const yes = h("button", { type: "button", class: "button danger", onclick: () => dialog.close("yes") }, action);
    const no = h("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Cancel");
    const dialog = h("dialog", { class: "dialog", "aria-label": title }, h("h2", {}, title), h("p", {}, text), h("div", { class: "buttons" }, no, yes));
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"));
    show(dialog);
    yes.focus();
  });
}

/** Every letter of `wanted` in order; the fewer gaps the better. -1: not. */
function score(path: string, wanted: string): number {
  let at = -1;
  let gaps = 0;
  const lower = path.toLowerCase();
  for (const letter of wanted.toLowerCase()) {
    if (letter === " ") continue;
    const next = lower.indexOf(letter, at + 1);
    if (next < 0) return -1;
    gaps += next - at - 1;
    at = next;
  }
  return gaps + path.length / 1000;
}

/** Lets a person find a file by typing parts of its path. */
export function chooseFile(files: File[], open: (file: File) => void): void {
  const input = h("input", { class: "palette-input", placeholder: "Go to file…", "aria-label": "Go to file", role: "combobox", "aria-expanded": "true", "aria-controls": "palette", autocomplete: "off", spellcheck: "false" });
  const list = h("div", { class: "palette-list", role: "listbox", id: "palette" });
  const dialog = h("dialog", { class: "dialog palette", "aria-label": "Go to file" }, input, list);
  let found: File[] = [];
  let at = 0;
  const draw = () => {
    const scored = files.map((file) => ({ file, score: score(file.path, input.value) })).filter((one) => one.score >= 0);
    found = scored.sort((a, b) => a.score - b.score).slice(0, 50).map((one) => one.file);
    at = Math.max(0, Math.min(at, found.length - 1));
    const rows = found.map((file, i) => {
      const cut = file.path.lastIndexOf("/") + 1;
      return h("div", { class: "palette-row", role: "option", id: `palette-${i}`, "aria-selected": i === at, onclick: () => choose(i) }, h("span", { class: "name" }, file.path.slice(cut)), h("span", { class: "dim" }, file.path.slice(0, cut)));
    });
    list.replaceChildren(...(rows.length > 0 ? rows : [h("div", { class: "empty" }, "No such file.")]));
    input.setAttribute("aria-activedescendant", found.length > 0 ? `palette-${at}` : "");
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  const choose = (i: number) => {
    const file = found[i];
    dialog.close();
    if (file) open(file);
  };
  input.addEventListener("input", () => ((at = 0), draw()));
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") at++;
    else if (event.key === "ArrowUp") at--;
    else if (event.key !== "Enter") return;
    event.preventDefault(); // else the key would reach the editor that gets the focus
    if (event.key === "Enter") choose(at);
    else draw();
  });
  show(dialog);
  draw();
  input.focus();
}

const notes = h("div", { class: "notes", role: "status", "aria-live": "polite" });

/** Says something for some seconds. */
export function note(text: string, kind: "info" | "error" = "info"): void {
  if (!notes.isConnected) document.body.append(notes);
  const one = h("div", { class: `note ${kind}` }, text);
  notes.append(one);
  setTimeout(() => one.remove(), kind === "error" ? 8000 : 3500);
}

/* tree.ts — the session's files as a tree. Folders exist by their files' paths. Keys: arrows, Home and End, Enter, F2, Delete. */
import type { File, Session } from "@vibesync/client";
import { h, icon, iconButton, keys } from "./dom.js";
import { confirm } from "./dialogs.js";

export interface TreeHost {
  open(file: File): void;
  failed(error: unknown): void;
  /** Elements that show who has the file open. */
  whoIsIn(file: string): HTMLElement[];
}

interface Folder {
  name: string;
  path: string;
  folders: Map<string, Folder>;
  files: File[];
}

export class Tree {
  readonly element: HTMLElement;
  #session: Session;
  #host: TreeHost;
  #list = h("div", { class: "tree", role: "tree", "aria-label": "Files" });
  #closed = new Set<string>();
  #current: string | null = null;
  #focused = "";
  #editing: { file: File | null; input: HTMLInputElement; row: HTMLElement } | null = null;
  /** A button is down on a row: rows stay where they are until its click is over, or it would meet another row or none. */
  #pressed = false;

  constructor(session: Session, host: TreeHost) {
    this.#session = session;
    this.#host = host;
    this.element = h(
      "nav",
      { class: "side", "aria-label": "Files" },
      h("header", { class: "panel-head" }, h("h2", {}, "Files"), session.may("files") && iconButton("plus", `New file (${keys("Alt+N")})`, () => this.create(), { "data-do": "new-file" })),
      this.#list,
    );
    this.#list.addEventListener("keydown", (event) => this.#onKey(event));
    this.#list.addEventListener("pointerdown", () => (this.#pressed = true));
    this.#list.addEventListener("click", () => this.#release(), true);
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(() => this.#release()));
    session.files.on("change", () => this.show());
    this.show();
  }

  /** The file that is shown in the editor, and where the list begins to be walked by keys. */
  set current(id: string | null) {
    this.#current = id;
    this.show();
  }

  focus(): void {
    (this.#list.querySelector<HTMLElement>("[tabindex='0']") ?? this.#list.querySelector<HTMLElement>("[role=treeitem]"))?.focus();
  }

  create(): void {
    const current = this.#current ? this.#session.files.get(this.#current)?.path : undefined;
    const folder = current?.includes("/") ? current.slice(0, current.lastIndexOf("/") + 1) : "";
    this.#edit(null, folder);
  }

  show(): void {
    if (this.#pressed) return;
    const hadFocus = this.#list.contains(document.activeElement) && document.activeElement !== this.#editing?.input;
    const rows: HTMLElement[] = [];
    if (this.#editing?.file === null) rows.push(this.#editing.row);
    this.#rows(this.#folders(), 0, rows);
    const gone = this.#editing?.file && !this.#session.files.get(this.#editing.file.id);
    if (gone) this.#editing = null;
    if (rows.length === 0) {
      rows.push(
        h("div", { class: "empty" }, h("p", {}, "No files yet."), this.#session.may("files") && h("button", { class: "button", type: "button", onclick: () => this.create() }, "Create the first file")),
      );
    }
    this.#draw(rows);
    const items = this.#items();
    const at = items.find((item) => item.dataset.key === this.#focused) ?? items.find((item) => item.getAttribute("aria-selected") === "true") ?? items[0];
    if (at) at.tabIndex = 0;
    if (hadFocus) at?.focus();
  }

  /** A path being typed keeps its element: taken out and put back it would lose focus, caret and what is being composed. */
  #draw(rows: HTMLElement[]): void {
    const kept = this.#editing?.row;
    const at = kept ? rows.indexOf(kept) : -1;
    if (!kept || at < 0 || kept.parentNode !== this.#list) return this.#list.replaceChildren(...rows);
    for (const child of [...this.#list.children]) if (child !== kept) child.remove();
    kept.before(...rows.slice(0, at));
    kept.after(...rows.slice(at + 1));
  }

  #release(): void {
    if (!this.#pressed) return;
    this.#pressed = false;
    this.show();
  }

  #items(): HTMLElement[] {
    return [...this.#list.querySelectorAll<HTMLElement>("[role=treeitem]")];
  }

  #folders(): Folder {
    const root: Folder = { name: "", path: "", folders: new Map(), files: [] };
    for (const file of this.#session.files.list) {
      const parts = file.path.split("/");
      let folder = root;
      for (const part of parts.slice(0, -1)) {
        let next = folder.folders.get(part);
        if (!next) folder.folders.set(part, (next = { name: part, path: folder.path + part + "/", folders: new Map(), files: [] }));
        folder = next;
      }
      folder.files.push(file);
    }
    return root;
  }

  #rows(folder: Folder, depth: number, rows: HTMLElement[]): void {
    for (const inner of [...folder.folders.values()].sort((a, b) => a.name.localeCompare(b.name))) {
      const open = !this.#closed.has(inner.path);
      rows.push(
        h(
          "div",
          { class: "row folder", role: "treeitem", tabindex: -1, "aria-expanded": open, "aria-level": depth + 1, "data-key": inner.path, style: { "--depth": String(depth) }, onclick: () => this.#toggle(inner.path) },
          h("span", { class: open ? "twist open" : "twist" }, icon("chevron")),
          h("span", { class: "name" }, inner.name),
        ),
      );
      if (open) this.#rows(inner, depth + 1, rows);
    }
    for (const file of folder.files) rows.push(this.#editing?.file?.id === file.id ? this.#editing.row : this.#row(file, depth));
  }

  #row(file: File, depth: number): HTMLElement {
    const may = this.#session.may("files");
    const name = file.path.slice(file.path.lastIndexOf("/") + 1);
    return h(
      "div",
      { class: "row", role: "treeitem", tabindex: -1, title: file.path, "aria-selected": file.id === this.#current, "aria-level": depth + 1, "data-key": file.id, "data-path": file.path, style: { "--depth": String(depth) }, onclick: () => (this.#focused = file.id, this.#host.open(file)) },
      icon("file"),
      h("span", { class: "name" }, name),
      h("span", { class: "who" }, ...this.#host.whoIsIn(file.id)),
      may && h("span", { class: "row-actions" }, this.#act("pencil", `Rename ${name} (F2)`, () => this.#edit(file, file.path)), this.#act("trash", `Delete ${name} (Delete)`, () => void this.#delete(file))),
    );
  }

  #act(name: "pencil" | "trash", label: string, act: () => void): HTMLElement {
    return iconButton(name, label, (event) => (event.stopPropagation(), act()), { tabindex: -1 });
  }

  #toggle(path: string): void {
    if (!this.#closed.delete(path)) this.#closed.add(path);
    this.#focused = path;
    this.show();
  }

  #edit(file: File | null, value: string): void {
    if (!this.#session.may("files")) return;
    const input = h("input", { class: "path", value, placeholder: "folder/name.py", spellcheck: "false", autocomplete: "off", "aria-label": file ? `New path of ${file.path}` : "Path of the new file" });
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.isComposing) return;
      if (event.key === "Enter") void this.#finish(input.value.trim());
      else if (event.key === "Escape") this.#stopEditing();
      else return;
      event.preventDefault(); // else the key would reach what gets the focus next
    });
    input.addEventListener("blur", () => {
      if (!input.isConnected || this.#editing?.input !== input) return;
      this.#editing = null;
      this.show();
    });
    const depth = file ? file.path.split("/").length - 1 : 0;
    const row = h("div", { class: "row editing", style: { "--depth": String(depth) } }, icon("file"), input);
    this.#editing = { file, input, row };
    this.show();
    input.focus();
    input.setSelectionRange(file ? value.lastIndexOf("/") + 1 : value.length, file && value.includes(".", value.lastIndexOf("/") + 1) ? value.lastIndexOf(".") : value.length);
  }

  #stopEditing(): void {
    this.#editing = null;
    this.show();
    this.focus();
  }

  async #finish(path: string): Promise<void> {
    const editing = this.#editing;
    if (!editing || path === "" || path === editing.file?.path) return this.#stopEditing();
    this.#editing = null;
    try {
      const { files } = this.#session;
      const file = editing.file ? await files.rename(editing.file.id, path) : await files.create(path);
      this.#focused = file.id;
      this.show();
      if (!editing.file) this.#host.open(file);
    } catch (error) {
      // The path can be corrected, unless one has gone on to something else.
      if (document.activeElement === editing.input || document.activeElement === document.body) this.#edit(editing.file, path);
      else this.show();
      this.#host.failed(error);
    }
  }

  async #delete(file: File): Promise<void> {
    if (!(await confirm(`Delete ${file.path}?`, "It is deleted for everybody in the session.", "Delete"))) return;
    await this.#session.files.delete(file.id).catch((error: unknown) => this.#host.failed(error));
  }

  #onKey(event: KeyboardEvent): void {
    const items = this.#items();
    const item = (event.target as HTMLElement).closest<HTMLElement>("[role=treeitem]");
    const at = item ? items.indexOf(item) : -1;
    if (!item || at < 0) return;
    const file = this.#session.files.get(item.dataset.key!);
    const folder = item.dataset.key!.endsWith("/") ? item.dataset.key! : null;
    const go = (to: HTMLElement | undefined) => {
      if (!to) return;
      item.tabIndex = -1;
      to.tabIndex = 0;
      this.#focused = to.dataset.key!;
      to.focus();
    };
    if (event.key === "ArrowDown") go(items[at + 1]);
    else if (event.key === "ArrowUp") go(items[at - 1]);
    else if (event.key === "Home") go(items[0]);
    else if (event.key === "End") go(items.at(-1));
    else if (event.key === "ArrowRight" && folder) this.#closed.has(folder) ? this.#toggle(folder) : go(items[at + 1]);
    else if (event.key === "ArrowLeft" && folder && !this.#closed.has(folder)) this.#toggle(folder);
    else if (event.key === "ArrowLeft") go(items.slice(0, at).findLast((one) => Number(one.ariaLevel) < Number(item.ariaLevel)));
    else if (event.key === "Enter" || event.key === " ") file ? this.#host.open(file) : folder && this.#toggle(folder);
    else if (event.key === "F2" && file) this.#edit(file, file.path);
    else if (event.key === "Delete" && file) void this.#delete(file);
    else return;
    event.preventDefault();
  }
}

/* workspace.ts — the page once one is in a session: files, editors, people, chat, status. It owns which file is shown; the parts know
 * nothing of each other.
 *
 *   ┌ bar: session, who is here, invite, theme ──────────────┐
 *   │ tree │ tabs                            │ people        │
 *   │      │ editor (or a banner over it)    │ chat          │
 *   └ status: state, place, language ────────────────────────┘ */
import type { Document, File, Session } from "@vibesync/client";
import { ChatPanel } from "./chat.js";
import { colorOf } from "./colors.js";
import { chooseFile, note } from "./dialogs.js";
import { h, icon, iconButton, isMac, keys } from "./dom.js";
import { Editor } from "./editor.js";
import { avatar, People, peopleOf, type Person } from "./people.js";
import { Status } from "./status.js";
import { toggleTheme } from "./theme.js";
import { Tree } from "./tree.js";

interface Tab {
  file: string;
  document: Document | null;
  editor: Editor | null;
  abort: AbortController;
  offs: (() => void)[];
}

const avatarsMax = 5;

export class Workspace {
  readonly element: HTMLElement;
  #session: Session;
  #name: string;
  #tabs: Tab[] = [];
  #shown: Tab | null = null;
  #tree: Tree;
  #people: People;
  #chat: ChatPanel;
  #status: Status;
  #strip = h("div", { class: "tabs", role: "tablist", "aria-label": "Open files" });
  #stage = h("div", { class: "stage" });
  #faces = h("div", { class: "faces" });
  #count = h("span", { class: "count" });

  constructor(session: Session, seat: { name: string; code: string }) {
    this.#session = session;
    this.#name = seat.name;
    this.#tree = new Tree(session, {
      open: (file) => this.open(file.id),
      failed: (error) => note(error instanceof Error ? error.message : String(error), "error"),
      whoIsIn: (file) => peopleOf(session).filter((one) => one.file === file && !one.self).slice(0, 4).map((one) => avatar(one, "tiny")),
    });
    this.#people = new People(session, (person) => void this.#visit(person));
    this.#chat = new ChatPanel(session);
    this.#status = new Status(session);
    const bar = h(
      "header",
      { class: "bar" },
      iconButton("sidebar", `Show or hide the files (${keys("Ctrl+B")})`, () => this.element.classList.toggle("no-side")),
      h("span", { class: "brand" }, "vibesync"),
      h("span", { class: "session-name" }, seat.name),
      h("span", { class: "grow" }),
      iconButton("search", `Go to file (${keys("Ctrl+P")})`, () => this.#choose()),
      this.#faces,
      h("button", { type: "button", class: "button primary", "data-do": "invite", onclick: () => void this.#invite(seat.code) }, icon("link"), "Invite"),
      iconButton("sun", "Light or dark", toggleTheme),
      iconButton("people", "Show or hide people and chat", () => this.element.classList.toggle("no-talk")),
    );
    const talk = h("aside", { class: "talk" }, h("header", { class: "panel-head" }, h("h2", {}, "People"), this.#count), this.#people.element, h("header", { class: "panel-head" }, h("h2", {}, "Chat")), this.#chat.element);
    this.element = h("div", { class: "workspace" }, bar, this.#tree.element, h("main", { class: "editors" }, this.#strip, this.#stage), talk, this.#status.element);
    if (innerWidth < 900) this.element.classList.add("no-talk");
    if (innerWidth < 600 && session.files.list.length > 0) this.element.classList.add("no-side");
    this.#follow();
    this.#draw();
    document.addEventListener("keydown", (event) => this.#onKey(event));
    addEventListener("beforeunload", (event) => session.unsaved && event.preventDefault());
  }

  /** Shows a file, opening it if it is not open. */
  open(file: string): void {
    let tab = this.#tabs.find((one) => one.file === file);
    if (!tab) {
      tab = { file, document: null, editor: null, abort: new AbortController(), offs: [] };
      this.#tabs.push(tab);
      void this.#load(tab);
    }
    this.#show(tab);
  }

  // ---- following the session -----------------------------------------------------------------------------------------------------

  #follow(): void {
    const session = this.#session;
    const people = () => this.#drawPeople();
    session.participants.on("change", people);
    session.awareness.on("change", people);
    session.files.on("change", () => {
      for (const tab of this.#tabs) if (tab.document) void tab.editor?.named(tab.document.path);
      this.#status.editor(this.#shown?.editor ?? null);
      this.#draw();
    });
    session.files.on("changed", ({ event, file, user }) => {
      const who = user !== session.user.id && session.participants.list.find((one) => one.user === user)?.name;
      if (who && event !== "renamed") note(`${who} ${event} ${file.path}`);
    });
    session.participants.on("joined", (one) => one.self || note(`${one.name} is here`));
    session.chat.on("message", (message) => {
      if (message.user !== session.user.id && this.element.classList.contains("no-talk")) note(`${message.name}: ${message.text.slice(0, 80)}`);
    });
    session.on("joined", () => this.#introduce());
    session.on("state", (state) => {
      this.#drawTabs();
      if (state === "closed") this.#banner();
    });
    this.#introduce();
  }

  /* Who one is: in the session, and in each open file. The number of the connection changes with each. */
  #introduce(): void {
    const self = this.#session.participants.self;
    if (!self) return;
    const { color, light } = colorOf(self.id);
    const user = { id: self.user, name: self.name, color, colorLight: light };
    this.#session.awareness.setLocalState({ user, participant: self.id, file: this.#shown?.file ?? null });
    for (const { document } of this.#tabs) document?.awareness.setLocalStateField("user", user);
  }

  // ---- tabs ----------------------------------------------------------------------------------------------------------------------

  async #load(tab: Tab): Promise<void> {
    try {
      const document = await this.#session.open({ file: tab.file }, { signal: tab.abort.signal });
      this.#attach(tab, document);
    } catch (error) {
      if (tab.abort.signal.aborted) return;
      note(error instanceof Error ? error.message : String(error), "error");
      this.#close(tab);
    }
  }

  #attach(tab: Tab, document: Document): void {
    tab.document = document;
    tab.editor = new Editor(document, () => this.#shown === tab && this.#status.editor(tab.editor));
    tab.offs = [document.on("state", () => this.#drawTabs()), document.on("stopped", () => this.#shown === tab && this.#banner())];
    tab.offs.push(document.on("text", () => (this.#detach(tab), this.#attach(tab, document))));
    this.#introduce();
    if (this.#shown === tab) this.#show(tab);
  }

  #detach(tab: Tab): void {
    for (const off of tab.offs) off();
    tab.editor?.destroy();
    tab.editor = tab.document = null;
    tab.offs = [];
  }

  #show(tab: Tab | null): void {
    const before = this.#shown;
    if (before && before !== tab) this.#hideCursor(before);
    this.#shown = tab;
    const view = tab?.editor?.view;
    this.#stage.replaceChildren(...(view ? [view.dom] : [tab ? h("div", { class: "empty center" }, "Opening…") : this.#welcome()]));
    this.#banner();
    this.#status.editor(tab?.editor ?? null);
    this.#tree.current = tab?.file ?? null;
    this.#introduce();
    this.#draw();
    view?.requestMeasure();
    view?.focus();
  }

  #hideCursor(tab: Tab): void {
    const state = tab.document?.awareness.getLocalState();
    if (state?.cursor) tab.document!.awareness.setLocalState({ ...state, cursor: null, typing: false });
  }

  #close(tab: Tab): void {
    const at = this.#tabs.indexOf(tab);
    if (at < 0) return;
    const { document } = tab;
    tab.abort.abort();
    this.#detach(tab);
    this.#tabs.splice(at, 1);
    if (this.#shown === tab) this.#show(this.#tabs[Math.min(at, this.#tabs.length - 1)] ?? null);
    else this.#draw();
    // What is still on its way is waited for: closing a tab loses nothing.
    if (document) void document.saved().catch(() => {}).then(() => this.#tabs.some((one) => one.document === document) || document.close());
  }

  // ---- what went wrong -----------------------------------------------------------------------------------------------------------

  #banner(): void {
    this.#stage.querySelector(".banner")?.remove();
    const tab = this.#shown;
    const stopped = tab?.document?.stopped;
    if (this.#session.state === "closed") {
      const why = this.#session.error?.message ?? "";
      const again = h("button", { type: "button", class: "button primary", onclick: () => location.reload() }, "Join again");
      const save = tab?.document?.unsaved && h("button", { type: "button", class: "button", onclick: () => this.#download(tab.document!) }, "Download my text");
      this.#stage.prepend(h("div", { class: "banner", role: "alert" }, h("p", {}, h("strong", {}, "You are no longer in this session. "), why), h("div", { class: "buttons" }, save, again)));
      return;
    }
    if (!tab || !tab.document || !stopped) return;
    const { document } = tab;
    const deleted = stopped.reason === "deleted";
    const what = stopped.unsaved ? " Your last edits were not stored; they are only here." : deleted ? " Its last text is still here." : "";
    const reasons: Record<string, string> = {
      deleted: "This file was deleted.",
      epoch_mismatch: "This file was replaced by another version.",
      limit: "With this edit the file is larger than the server takes.",
    };
    const keep = async () => {
      const cut = document.path.lastIndexOf(".");
      const path = cut > document.path.lastIndexOf("/") ? `${document.path.slice(0, cut)}-copy${document.path.slice(cut)}` : `${document.path}-copy`;
      try {
        const copy = await document.saveCopy(this.#free(path));
        this.open(copy.file!);
      } catch (error) {
        note(error instanceof Error ? error.message : String(error), "error");
      }
    };
    const take = async () => {
      this.#detach(tab);
      this.#show(tab);
      try {
        this.#attach(tab, await document.reopen());
      } catch (error) {
        note(error instanceof Error ? error.message : String(error), "error");
        this.#close(tab);
      }
    };
    this.#stage.prepend(
      h(
        "div",
        { class: "banner", role: "alert", "data-reason": stopped.reason },
        h("p", {}, h("strong", {}, reasons[stopped.reason] ?? stopped.error.message), what),
        h(
          "div",
          { class: "buttons" },
          h("button", { type: "button", class: "button", onclick: () => this.#download(document) }, "Download my text"),
          this.#session.may("files") && h("button", { type: "button", class: "button primary", "data-do": "keep", onclick: () => void keep() }, "Keep my text as a copy"),
          deleted ? h("button", { type: "button", class: "button", onclick: () => this.#close(tab) }, "Close") : h("button", { type: "button", class: "button", "data-do": "take", onclick: () => void take() }, "Take the server's version"),
        ),
      ),
    );
  }

  #free(path: string): string {
    const cut = path.lastIndexOf(".") > path.lastIndexOf("/") ? path.lastIndexOf(".") : path.length;
    for (let n = 2, next = path; ; n++) {
      if (!this.#session.files.find(next)) return next;
      next = `${path.slice(0, cut)}-${n}${path.slice(cut)}`;
    }
  }

  #download(document: Document): void {
    const text = document.stopped?.text ?? document.text.toString();
    const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
    const link = h("a", { href: url, download: document.path.slice(document.path.lastIndexOf("/") + 1) });
    link.click();
    URL.revokeObjectURL(url);
  }

  // ---- drawing -------------------------------------------------------------------------------------------------------------------

  #draw(): void {
    this.#drawTabs();
    this.#drawPeople();
  }

  #drawTabs(): void {
    const tabs = this.#tabs.map((tab) => {
      const path = tab.document?.path || this.#session.files.get(tab.file)?.path || "…";
      const name = path.slice(path.lastIndexOf("/") + 1);
      const same = this.#tabs.some((one) => one !== tab && this.#session.files.get(one.file)?.path.endsWith(`/${name}`));
      const state = tab.document?.state ?? "connecting";
      const mark = tab.document?.unsaved ? h("span", { class: "unsaved", title: "Not saved yet" }) : null;
      return h(
        "div",
        { class: "tab", role: "tab", tabindex: tab === this.#shown ? 0 : -1, "aria-selected": tab === this.#shown, title: path, "data-path": path, "data-state": state, onclick: () => this.#show(tab), onauxclick: (event: MouseEvent) => event.button === 1 && this.#close(tab) },
        h("span", { class: "name" }, name),
        same && h("span", { class: "dim" }, path.slice(0, -name.length - 1)),
        mark,
        iconButton("close", `Close ${name}`, (event) => (event.stopPropagation(), this.#close(tab)), { tabindex: -1 }),
      );
    });
    this.#strip.replaceChildren(...tabs);
    this.#strip.hidden = tabs.length === 0;
    const path = this.#shown && this.#session.files.get(this.#shown.file)?.path;
    document.title = `${this.#session.unsaved ? "• " : ""}${path ? `${path} · ` : ""}${this.#name}`;
  }

  #drawPeople(): void {
    const people = peopleOf(this.#session);
    this.#people.show(people);
    this.#count.textContent = String(people.length);
    const faces = people.slice(0, avatarsMax).map((person) => avatar(person));
    if (people.length > avatarsMax) faces.push(h("span", { class: "avatar more" }, `+${people.length - avatarsMax}`));
    this.#faces.replaceChildren(...faces);
    this.#faces.title = people.map((person) => person.name).join(", ");
    this.#tree.show();
  }

  #welcome(): HTMLElement {
    const row = (key: string, what: string) => h("div", { class: "hint" }, h("kbd", {}, keys(key)), h("span", {}, what));
    return h("div", { class: "empty center" }, h("p", {}, "Choose a file, or make one."), h("div", { class: "hints" }, row("Alt+N", "new file"), row("Ctrl+P", "go to file"), row("F6", "files, text, chat"), row("Ctrl+B", "show or hide files")));
  }

  // ---- acting --------------------------------------------------------------------------------------------------------------------

  async #visit(person: Person): Promise<void> {
    if (!person.file) return;
    this.open(person.file);
    const tab = this.#shown;
    const find = () => [...(tab?.document?.awareness.getStates() ?? [])].find(([, state]) => state.user?.id === person.user && state.position)?.[0];
    for (let tries = 0; tries < 40 && this.#shown === tab && find() === undefined; tries++) await new Promise((resolve) => setTimeout(resolve, 50));
    const client = find();
    if (client !== undefined) tab?.editor?.goTo(client);
  }

  async #invite(code: string): Promise<void> {
    const link = `${location.origin}${location.pathname}#${code}`;
    try {
      await navigator.clipboard.writeText(link);
      note("The link is in the clipboard. Whoever has it can join.");
    } catch {
      prompt("Whoever has this link can join:", link); // no clipboard without https
    }
  }

  #choose(): void {
    chooseFile(this.#session.files.list, (file: File) => this.open(file.id));
  }

  /* F6 walks through the parts of the page, as in most desktops. */
  #walk(): void {
    const parts = [() => this.#tree.focus(), () => this.#shown?.editor?.view.focus(), () => this.#chat.input.focus()];
    const places = [this.#tree.element, this.#stage, this.#chat.element];
    const at = places.findIndex((place) => place.contains(document.activeElement));
    for (let i = 1; i <= parts.length; i++) {
      const before = document.activeElement;
      parts[(at + i + parts.length) % parts.length]!();
      if (document.activeElement !== before) return;
    }
  }

  #onKey(event: KeyboardEvent): void {
    const ctrl = isMac ? event.metaKey : event.ctrlKey;
    const key = event.key.toLowerCase();
    if (ctrl && !event.shiftKey && !event.altKey && key === "p") this.#choose();
    else if (ctrl && !event.shiftKey && !event.altKey && key === "b") this.element.classList.toggle("no-side");
    else if (ctrl && !event.shiftKey && !event.altKey && key === "s") note("What you type is saved by itself; the word at the bottom left says when.");
    else if (event.altKey && !ctrl && event.code === "KeyN") this.#tree.create();
    else if (event.key === "F6") this.#walk();
    else return;
    event.preventDefault();
  }
}

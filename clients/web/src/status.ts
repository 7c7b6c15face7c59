/* status.ts — the line at the bottom: what is true about connection and saving, and where the cursor is. The words follow the session's
 * state at once; nothing is called saved before the server has said so. */
import type { Session, SessionState } from "@vibesync/client";
import type { Editor } from "./editor.js";
import { h } from "./dom.js";

const words: Record<SessionState, string> = {
  connecting: "Connecting…",
  synced: "Up to date",
  saving: "Saving…",
  saved: "Saved",
  offline: "Offline",
  "read-only": "Read only",
  stopped: "Not saved",
  closed: "Disconnected",
};

/** Saving takes some ms; after this it is said that it takes long. */
const slowMs = 3000;

export class Status {
  readonly element: HTMLElement;
  #session: Session;
  #state = h("span", { class: "state", role: "status", "data-state": "connecting" });
  #detail = h("span", { class: "detail" });
  #retry: HTMLButtonElement;
  #place = h("span", { class: "place" });
  #language = h("span", { class: "language" });
  #savingSince = 0;

  constructor(session: Session) {
    this.#session = session;
    this.#retry = h("button", { type: "button", class: "link", onclick: () => session.resume() }, "Try now");
    this.element = h("footer", { class: "status" }, this.#state, this.#detail, this.#retry, h("span", { class: "grow" }), this.#place, this.#language);
    session.on("state", () => this.#show());
    setInterval(() => this.#show(), 1000);
    this.#show();
  }

  editor(editor: Editor | null): void {
    this.#language.textContent = editor ? editor.language : "";
    const place = editor?.place;
    this.#place.textContent = place ? `Ln ${place.line}, Col ${place.column}${place.selected > 0 ? ` (${place.selected} selected)` : ""}` : "";
  }

  #show(): void {
    const { state, retryAt, unsaved } = this.#session;
    if (this.#state.dataset.state !== state || this.#state.textContent !== words[state]) {
      this.#state.dataset.state = state;
      this.#state.textContent = words[state];
    }
    if (state !== "saving") this.#savingSince = 0;
    else if (this.#savingSince === 0) this.#savingSince = Date.now();
    let detail = "";
    if (state === "offline") {
      const seconds = Math.ceil((retryAt - Date.now()) / 1000);
      detail = unsaved ? "Your edits are kept in this window and sent when the connection is back." : "You can go on typing; it is sent when the connection is back.";
      detail += seconds > 1 ? ` Trying again in ${seconds} s.` : " Trying again…";
    } else if (state === "saving" && Date.now() - this.#savingSince > slowMs) {
      detail = "The server has not stored your last edits yet. Others see them; keep this window open until it has.";
    } else if (state === "stopped") {
      detail = "A file holds edits that were not stored; it says what can be done.";
    } else if (state === "closed") {
      detail = this.#session.error?.message ?? "";
    }
    if (this.#detail.textContent !== detail) this.#detail.textContent = detail;
    this.#retry.hidden = state !== "offline";
  }
}

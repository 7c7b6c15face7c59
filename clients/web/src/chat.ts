/* chat.ts — the conversation. What one sends is shown as sent only when it is stored; until then it waits, visibly. */
import type { ChatMessage, Session } from "@vibesync/client";
import { h, iconButton } from "./dom.js";
import { note } from "./dialogs.js";

const sameHand = 5 * 60_000;

export class ChatPanel {
  readonly element: HTMLElement;
  readonly input: HTMLTextAreaElement;
  #session: Session;
  #list = h("div", { class: "messages", role: "log", "aria-label": "Messages", tabindex: 0 });
  #waiting: string[] = [];

  constructor(session: Session) {
    this.#session = session;
    const may = session.may("chat");
    this.input = h("textarea", { class: "chat-input", rows: 1, placeholder: may ? "Write a message" : "You may not write here", "aria-label": "Message", disabled: !may });
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
    this.input.addEventListener("input", () => this.#grow());
    const form = h("form", { class: "chat-form", onsubmit: (event: Event) => (event.preventDefault(), this.#send()) }, this.input, iconButton("send", "Send (Enter)", () => {}, { type: "submit", disabled: !may }));
    this.element = h("section", { class: "chat", "aria-label": "Chat" }, this.#list, form);
    session.chat.on("change", () => this.#show());
    this.#show();
  }

  #send(): void {
    const text = this.input.value.trim();
    if (text === "") return;
    this.input.value = "";
    this.#grow();
    this.#waiting.push(text);
    this.#session.chat.send(text).then(
      () => this.#sent(text),
      (error: Error) => {
        note(`Not sent: ${error.message}`, "error");
        if (this.input.value === "") this.input.value = text;
        this.#sent(text);
      },
    );
    this.#show(true);
  }

  #sent(text: string): void {
    const at = this.#waiting.indexOf(text);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.#show();
  }

  #grow(): void {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 160)}px`;
  }

  #show(toEnd = false): void {
    const list = this.#list;
    const atEnd = toEnd || list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    const { messages, more } = this.#session.chat;
    const rows: HTMLElement[] = [];
    if (more && messages.length > 0) rows.push(h("button", { type: "button", class: "button older", onclick: () => void this.#session.chat.older().catch(() => {}) }, "Older messages"));
    let before: ChatMessage | null = null;
    for (const message of messages) {
      const mine = message.user === this.#session.user.id;
      const follows = before !== null && before.user === message.user && message.at - before.at < sameHand;
      const time = new Date(message.at);
      rows.push(
        h(
          "div",
          { class: `message${mine ? " mine" : ""}${follows ? " follows" : ""}`, "data-seq": message.seq },
          !follows && h("div", { class: "message-head" }, h("span", { class: "message-name" }, mine ? "You" : message.name), h("time", { datetime: time.toISOString(), title: time.toLocaleString() }, time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }))),
          h("div", { class: "message-text" }, message.text),
        ),
      );
      before = message;
    }
    for (const text of this.#waiting) rows.push(h("div", { class: "message mine waiting" }, h("div", { class: "message-text" }, text), h("div", { class: "dim" }, "waiting to be sent")));
    if (rows.length === 0) rows.push(h("div", { class: "empty" }, "Nothing has been said yet."));
    list.replaceChildren(...rows);
    if (atEnd) list.scrollTop = list.scrollHeight;
  }
}

/* join.ts — the way in: a code (from the link's #, or typed) and a name become a seat. The seat is kept for this window only, so that a
 * reload is the same person and two windows are two people. */
import { join, LimitError, NotFoundError, type Seat } from "@vibesync/client";
import { h } from "./dom.js";

const nameKey = "vibesync.name";
const seatKey = (code: string) => `vibesync.seat.${code}`;

/** As the server reads it: case, blanks and dashes do not matter. */
export const tidyCode = (code: string) => code.replace(/[\s-]/g, "").toUpperCase();

export function codeOfLink(): string {
  try {
    return tidyCode(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return "";
  }
}

export function keptSeat(code: string): Seat | null {
  try {
    return JSON.parse(sessionStorage.getItem(seatKey(code)) ?? "null") as Seat | null;
  } catch {
    return null;
  }
}

export function keepSeat(code: string, seat: Seat | null): void {
  if (seat) sessionStorage.setItem(seatKey(code), JSON.stringify(seat));
  else sessionStorage.removeItem(seatKey(code));
}

/** The form. `enter` is given the seat and its code. */
export function joinForm(code: string, enter: (seat: Seat, code: string) => void, problem = ""): HTMLElement {
  const codeInput = h("input", { id: "code", name: "code", value: code, autocomplete: "off", autocapitalize: "characters", spellcheck: "false", required: true, maxlength: 20, placeholder: "4K7Q2M9A" });
  const nameInput = h("input", { id: "name", name: "name", value: localStorage.getItem(nameKey) ?? "", autocomplete: "nickname", required: true, maxlength: 100, placeholder: "How others will see you" });
  const error = h("p", { class: "form-error", role: "alert" }, problem);
  const button = h("button", { class: "button primary wide", type: "submit" }, "Join");
  const submit = async (event: Event) => {
    event.preventDefault();
    const wanted = tidyCode(codeInput.value);
    const name = nameInput.value.trim();
    if (!wanted || !name) return;
    error.textContent = "";
    button.disabled = true;
    button.textContent = "Joining…";
    try {
      const seat = await join({ url: location.origin, code: wanted, name });
      localStorage.setItem(nameKey, name);
      keepSeat(wanted, seat);
      enter(seat, wanted);
    } catch (cause) {
      error.textContent =
        cause instanceof NotFoundError ? "There is no session with this code. Ask for a new link." : cause instanceof LimitError ? "This session is full." : cause instanceof Error ? cause.message : String(cause);
      button.disabled = false;
      button.textContent = "Join";
    }
  };
  queueMicrotask(() => (codeInput.value ? nameInput : codeInput).focus());
  return h(
    "main",
    { class: "door" },
    h(
      "form",
      { class: "card", onsubmit: submit },
      h("div", { class: "mark" }, h("img", { src: "/icon.svg", alt: "", width: 36, height: 36 }), h("h1", {}, "vibesync")),
      h("p", { class: "dim" }, code ? "You were invited to edit together." : "Edit together. Enter the code that you were given."),
      h("label", { for: "code" }, "Code"),
      codeInput,
      h("label", { for: "name" }, "Your name"),
      nameInput,
      error,
      button,
    ),
  );
}

/** What is shown until the session is there. */
export function waitingRoom(text: string, cancel: () => void): { element: HTMLElement; say(text: string): void } {
  const line = h("p", { class: "dim", role: "status" }, text);
  const card = h("div", { class: "card" }, h("div", { class: "mark" }, h("img", { src: "/icon.svg", alt: "", width: 36, height: 36 }), h("h1", {}, "vibesync")), line, h("button", { type: "button", class: "button", onclick: cancel }, "Cancel"));
  return { element: h("main", { class: "door" }, card), say: (next) => void (line.textContent = next) };
}

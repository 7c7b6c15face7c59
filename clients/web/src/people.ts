/* people.ts — who is here and where. That someone is connected is the server's word; where, each says himself. */
import type { Participant, Session } from "@vibesync/client";
import { colorOf, initials } from "./colors.js";
import { h } from "./dom.js";

export interface Person extends Participant {
  color: string;
  /** The id of the file that he looks at, if he says so. */
  file: string | null;
}

/** Everybody, oneself first. */
export function peopleOf(session: Session): Person[] {
  const places = new Map<number, string>();
  for (const state of session.awareness.getStates().values()) {
    if (typeof state.participant === "number" && typeof state.file === "string") places.set(state.participant, state.file);
  }
  const people = session.participants.list.map((one) => ({ ...one, color: colorOf(one.id).color, file: places.get(one.id) ?? null }));
  return people.sort((a, b) => Number(b.self) - Number(a.self) || a.id - b.id);
}

export function avatar(person: Person, size = ""): HTMLElement {
  return h("span", { class: `avatar ${size}`, title: person.name, style: { "--person": person.color } }, initials(person.name));
}

export class People {
  readonly element = h("div", { class: "people", role: "list", "aria-label": "People" });
  #session: Session;
  #visit: (person: Person) => void;

  constructor(session: Session, visit: (person: Person) => void) {
    this.#session = session;
    this.#visit = visit;
  }

  show(people: Person[]): void {
    const rows = people.map((person) => {
      const path = person.file ? this.#session.files.get(person.file)?.path : undefined;
      const where = h("span", { class: "where" }, path ?? (person.self ? "no file open" : "looking around"));
      const text = h("span", { class: "person-text" }, h("span", { class: "person-name" }, person.name, person.self && h("span", { class: "dim" }, " (you)")), where);
      const role = person.role !== "participant" && h("span", { class: "role" }, person.role);
      const inner = [avatar(person), text, role];
      const visitable = path && !person.self;
      const label = visitable ? `Go to ${person.name} in ${path}` : undefined;
      return h(
        "div",
        { role: "listitem", "data-person": person.name },
        visitable ? h("button", { type: "button", class: "person", title: label, onclick: () => this.#visit(person) }, ...inner) : h("div", { class: "person" }, ...inner),
      );
    });
    this.element.replaceChildren(...rows);
  }
}

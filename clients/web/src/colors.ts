/* colors.ts — a colour for each person, legible with white text on it, distinct from its neighbours. */

export interface Color {
  color: string;
  light: string;
}

const palette = ["#2563eb", "#c2410c", "#0f766e", "#a21caf", "#15803d", "#be123c", "#6d28d9", "#a16207", "#0369a1", "#9d174d"];

/** By the number of a connection: who comes one after the other differs. */
export function colorOf(participant: number): Color {
  return colored(palette[Math.abs(participant) % palette.length]!);
}

/** What another client says its colour is; anything but #rrggbb is replaced, because it ends up in a style. */
export function checkedColor(value: unknown, fallback: number): Color {
  return typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value) ? colored(value) : colorOf(fallback);
}

function colored(color: string): Color {
  return { color, light: color + "33" };
}

/** One or two letters for a name, by what a person sees as a letter. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const first = (word: string | undefined) => (word ? ([...new Intl.Segmenter().segment(word)][0]?.segment ?? "") : "");
  const letters = first(words[0]) + (words.length > 1 ? first(words.at(-1)) : "");
  return letters.toLocaleUpperCase() || "?";
}

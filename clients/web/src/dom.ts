/* dom.ts — elements, without a framework. Text is always text: nothing here takes HTML. */

type Child = Node | string | null | undefined | false;
type Props = Record<string, unknown>;

/** h("button", {class: "x", onclick: f, "aria-label": "y"}, "text", child). Functions become listeners, false and null leave out. */
export function h<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else if (name === "style") for (const [key, one] of Object.entries(value as Record<string, string>)) element.style.setProperty(key, one);
    else if (name.startsWith("aria-") && typeof value === "boolean") element.setAttribute(name, String(value));
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false));
  return element;
}

const shapes = {
  file: "M6 2.500h5l3.500 3.500v11.500h-8.500z M11 2.500v3.500h3.500",
  folder: "M2.500 5h5l1.500 2h8.500v9h-15z",
  chevron: "M8 6l4 4-4 4",
  plus: "M10 4.500v11M4.500 10h11",
  pencil: "M4 16l.8-3.200L13 4.600l2.400 2.400-8.200 8.200z",
  trash: "M4 6h12M8 6V4h4v2M5.500 6l.8 10.500h7.400L14.500 6",
  close: "M5.500 5.500l9 9M14.500 5.500l-9 9",
  people: "M7.500 9.500a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.500 16.500c0-3 2.200-5 5-5s5 2 5 5M13 4a3 3 0 0 1 0 5.500M14.500 11.800c1.900.7 3 2.400 3 4.700",
  chat: "M3 4h14v9.500H9.500L6 17v-3.500H3z",
  link: "M8.500 11.500l3-3M9 6.500l1.800-1.800a3.200 3.200 0 0 1 4.500 4.500L13.500 11M11 13.500l-1.800 1.800a3.200 3.200 0 0 1-4.500-4.500L6.500 9",
  sun: "M10 13.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM10 2v1.800M10 16.200V18M2 10h1.800M16.200 10H18M4.300 4.300l1.300 1.300M14.400 14.400l1.300 1.300M4.300 15.700l1.300-1.300M14.400 5.600l1.300-1.300",
  search: "M9 14a5 5 0 1 0 0-10 5 5 0 0 0 0 10zM12.700 12.700L16.500 16.500",
  send: "M3.500 10L16.500 4l-4 12-3-5z",
  sidebar: "M3 4h14v12H3zM8 4v12",
};

export function icon(name: keyof typeof shapes): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", shapes[name]);
  svg.append(path);
  return svg;
}

/** A button with an icon and a name for those who can't see it. */
export function iconButton(name: keyof typeof shapes, label: string, onclick: (event: MouseEvent) => void, more: Props = {}): HTMLButtonElement {
  return h("button", { type: "button", class: "icon-button", title: label, "aria-label": label, onclick, ...more }, icon(name));
}

export const isMac = /mac|iphone|ipad/i.test(navigator.userAgent);
/** How a shortcut is called on this machine. */
export const keys = (shortcut: string) => (isMac ? shortcut.replace("Ctrl+", "⌘").replace("Alt+", "⌥") : shortcut);

/* theme.ts — light or dark: the machine's wish until the person says otherwise; remembered in this browser. */

const key = "vibesync.theme";

export function restoreTheme(): void {
  const kept = localStorage.getItem(key);
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
}

export function toggleTheme(): void {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem(key, root.dataset.theme);
}

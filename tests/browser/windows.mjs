/* windows.mjs — real windows on the real page: Debian's Chromium, one context (cookies, storage, seat) for each person. */
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";
import { root } from "../support/server.mjs";

export const webRoot = path.resolve(process.env.VIBESYNC_WEB ?? path.join(root, "build/web"));
/** Where pictures of what was seen are kept, also of what went wrong. */
export const artefacts = path.resolve(process.env.VIBESYNC_ARTEFACTS ?? path.join(root, "build/browser"));
mkdirSync(artefacts, { recursive: true });

const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
flags.push("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage");

export async function startBrowser() {
  if (!existsSync(path.join(webRoot, "index.html"))) throw new Error(`no page in ${webRoot}: ./dev web build`);
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: flags });
}

/** A person's window, not yet in the session. */
export async function openWindow(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1180, height: 720 }, colorScheme: "light", locale: "en-GB", ...options });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.problems = [];
  page.on("pageerror", (error) => page.problems.push(`${error.stack ?? error}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/ERR_(CONNECTION|INTERNET)|WebSocket connection/.test(message.text())) page.problems.push(message.text());
  });
  await page.goto(url);
  return page;
}

/** Comes in by link with a name; resolves in the workspace. */
export async function enter(browser, server, code, name, options) {
  const page = await openWindow(browser, `${server.url}/#${code}`, options);
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Join" }).click();
  await page.locator(".workspace").waitFor();
  return page;
}

// ---- what a person does and sees ---------------------------------------------------------------------------------------------------

export const text = (page) => page.locator(".stage .cm-content");
export const state = (page) => page.locator(".status .state");

export async function createFile(page, file) {
  await page.locator("[data-do=new-file]").click();
  await page.getByLabel("Path of the new file").fill(file);
  await page.keyboard.press("Enter");
  await page.locator(`.tab[data-path="${file}"][aria-selected=true]`).waitFor();
  await text(page).waitFor();
}

export async function openFile(page, file) {
  await page.locator(`.tree [data-path="${file}"]`).click();
  await page.locator(`.tab[data-path="${file}"][aria-selected=true]`).waitFor();
  await text(page).waitFor();
}

/** The text as the editor has it (also what is scrolled away). */
export function content(page) {
  return page.evaluate(() => {
    const element = document.querySelector(".stage .cm-content");
    return element?.cmTile?.view?.state.doc.toString() ?? element?.cmView?.view?.state.doc.toString() ?? null;
  });
}

export async function waitForText(page, wanted) {
  const holds = typeof wanted === "string" ? (have) => have === wanted : wanted;
  return until(async () => holds(await content(page)), () => content(page).then((have) => `${wanted}\nbut there is: ${String(have).slice(0, 500)}`));
}

export async function waitForState(page, ...wanted) {
  await until(async () => wanted.includes(await state(page).getAttribute("data-state")), async () => `${wanted}, but ${await state(page).getAttribute("data-state")}`);
}

/** Waits for what can be seen; fails by saying what is there instead. */
export async function until(holds, otherwise = () => String(holds), limitMs = 60_000) {
  const end = Date.now() + limitMs;
  for (;;) {
    const value = await holds();
    if (value) return value;
    if (Date.now() > end) throw new Error(`never: ${await otherwise()}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export const picture = (page, name) => page.screenshot({ path: path.join(artefacts, `${name}.png`) });

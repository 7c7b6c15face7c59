/* pictures.mjs — docs/page.png: the real page with the cursors of two others in it, as it is. `./dev pictures` */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { root, startServer } from "../support/server.mjs";
import * as w from "./windows.mjs";

const parser = `"""A small parser of arithmetic, written by two people at once."""
from dataclasses import dataclass


@dataclass
class Token:
    kind: str
    text: str
    at: int = 0


def tokens(source: str) -> list[Token]:
    """Numbers, names and signs, with their places."""
    found, at = [], 0
    while at < len(source):
        start = at
        if source[at].isdigit():
            while at < len(source) and source[at].isdigit():
                at += 1
            found.append(Token("number", source[start:at], start))
        elif source[at].isspace():
            at += 1
        else:
            found.append(Token("sign", source[at], at))
            at += 1
    return found
`;

const server = await startServer({ webRoot: w.webRoot });
const browser = await w.startBrowser();
try {
  const made = await server.createSession("Parser workshop");
  const view = { viewport: { width: 1280, height: 760 }, deviceScaleFactor: 2 };
  const ada = await w.enter(browser, server, made.code, "Ada Lovelace", view);
  for (const file of ["README.md", "src/main.py", "tests/test_parser.py", "src/parser.py"]) await w.createFile(ada, file);
  await w.text(ada).click();
  await ada.keyboard.insertText(parser);
  const grace = await w.enter(browser, server, made.code, "Grace Hopper", view);
  await w.openFile(grace, "src/parser.py");
  const edsger = await w.enter(browser, server, made.code, "Edsger Dijkstra", view);
  await w.openFile(edsger, "tests/test_parser.py");

  const says = async (page, text) => {
    await page.locator(".chat-input").fill(text);
    await page.keyboard.press("Enter");
    await ada.locator(".message-text", { hasText: text }).waitFor();
  };
  await says(ada, "Shall we read floats as well?");
  await says(grace, "Yes, in tokens(). I am at it.");
  await says(edsger, "Then I write the tests first 🙂");
  await ada.locator('.tab[data-path="README.md"] button').click();
  await ada.locator('.tab[data-path="src/main.py"] button').click();
  await ada.locator(".cm-line", { hasText: "at: int = 0" }).click();
  await grace.locator(".cm-line", { hasText: "while at < len(source) and" }).click();
  await grace.keyboard.press("End");
  await grace.keyboard.press("Shift+Home");
  await grace.keyboard.press("End");
  await grace.keyboard.press("Shift+Control+ArrowLeft");
  await grace.keyboard.press("Shift+Control+ArrowLeft");
  await w.openFile(edsger, "src/parser.py");
  await edsger.locator(".cm-line", { hasText: "Token(\"sign\"" }).click();
  await ada.locator(".others-selection").waitFor();
  await w.waitForState(ada, "saved");
  await w.until(async () => (await ada.locator(".note").count()) === 0);
  await edsger.keyboard.press("End");
  await grace.keyboard.press("Shift+Control+ArrowLeft"); // moved just now: the names show
  for (const name of ["Grace Hopper", "Edsger Dijkstra"]) await ada.locator(`.caret[data-name="${name}"] .caret-name`).waitFor();
  mkdirSync(path.join(root, "docs"), { recursive: true });
  await ada.screenshot({ path: path.join(root, "docs/page.png") });
  console.log("docs/page.png");
} finally {
  await browser.close();
  await server.stop();
}
process.exit(0);

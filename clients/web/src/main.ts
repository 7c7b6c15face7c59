/* main.ts — where the page begins: link ─▶ seat (kept, or by the form) ─▶ connection ─▶ workspace. */
import { ClosedError, connect, type Seat } from "@vibesync/client";
import { codeOfLink, joinForm, keepSeat, keptSeat, waitingRoom } from "./join.js";
import "./style.css";
import { restoreTheme } from "./theme.js";
import { Workspace } from "./workspace.js";

const place = document.createElement("div");
place.id = "page";

function show(element: HTMLElement): void {
  place.replaceChildren(element);
}

async function enter(seat: Seat, code: string): Promise<void> {
  history.replaceState(null, "", `#${code}`);
  const abort = new AbortController();
  const room = waitingRoom(`Connecting to ${seat.name}…`, () => abort.abort());
  show(room.element);
  try {
    const session = await connect({
      url: location.origin,
      session: seat.session,
      credential: seat.token,
      client: { name: "vibesync-web" },
      signal: abort.signal,
      onRetry: (error) => room.say(`${error.message} Trying again…`),
    });
    session.on("token", (token) => keepSeat(code, { ...seat, token }));
    session.on("state", () => session.error instanceof ClosedError && keepSeat(code, null));
    const workspace = new Workspace(session, { name: seat.name, code });
    show(workspace.element);
    const first = session.files.list[0];
    if (first) workspace.open(first.id);
  } catch (error) {
    keepSeat(code, null);
    show(joinForm(code, enter, abort.signal.aborted ? "" : error instanceof Error ? error.message : String(error)));
  }
}

function begin(): void {
  const code = codeOfLink();
  const seat = code ? keptSeat(code) : null;
  if (seat) void enter(seat, code);
  else show(joinForm(code, (taken, its) => void enter(taken, its)));
}

restoreTheme();
document.body.append(place);
addEventListener("hashchange", () => location.reload());
begin();

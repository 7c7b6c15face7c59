/* door.mjs — what a page of an editor needs: a document, and y-websocket to /y/ as anybody would set it up. Whose page it is stands behind
 * the address: #{"session", "token", "name", "path"}. */
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";

const { session, token, name, path } = JSON.parse(decodeURIComponent(location.hash.slice(1)));

export const ydoc = new Y.Doc();
const provider = new WebsocketProvider(`${location.origin.replace("http", "ws")}/y/${session}`, path, ydoc, {
  protocols: ["vibesync.door", `vibesync.token.${token}`],
  disableBc: true, // pages of one browser talk through the server alone
});
export const { awareness } = provider;
awareness.setLocalStateField("user", { name, color: "#30bced" });
provider.on("sync", (synced) => (document.body.dataset.synced = synced));

/* For the test: everything that the document holds, in one form. */
window.state = () => {
  const whole = new Y.Doc();
  Y.applyUpdate(whole, Y.encodeStateAsUpdate(ydoc));
  return Array.from(Y.encodeStateAsUpdate(whole)).join();
};

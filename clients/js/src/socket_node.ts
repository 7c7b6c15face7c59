/* Node has a WebSocket of its own only since 22: `ws` everywhere, so that 20 behaves alike. */
import { WebSocket as NodeSocket } from "ws";

export const Socket = NodeSocket as unknown as typeof WebSocket;

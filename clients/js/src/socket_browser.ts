/* The WebSocket of the browser (or of whatever has one by itself). */
export const Socket: typeof WebSocket = globalThis.WebSocket;

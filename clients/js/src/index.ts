/* @vibesync/client — sessions of a vibesync server: files, people, chat, and Yjs documents that say truthfully when they are saved.
 *
 *     const seat = await join({ url, code, name: "Ada" });
 *     const session = await connect({ url, session: seat.session, credential: seat.token });
 *     const document = await session.open("src/main.py");
 *     document.text.insert(0, "# hello\n");
 *     await document.saved(); */
export { connect, type ConnectOptions, type Right, Session, type SessionState, type User } from "./session.js";
export { Document, type DocumentState, type Stopped } from "./document.js";
export { type File, type FileChange, Files } from "./files.js";
export { type Participant, Participants } from "./participants.js";
export { Chat, type ChatMessage } from "./chat.js";
export { createSession, join, type Seat } from "./http.js";
export * from "./errors.js";

/* http.ts — what happens before there is a connection: a room code becomes a session and a token. */
import { CredentialsError, errorOf, OfflineError } from "./errors.js";

/** A seat in a session: give it to `connect` as `{url, session, credential: token}`. */
export interface Seat {
  session: string;
  /** The session's name. */
  name: string;
  /** The user's id. */
  user: string;
  role: string;
  token: string;
  /** The room code, if the session was made just now. */
  code?: string;
}

async function post(url: string, path: string, body: unknown, headers: Record<string, string>, signal?: AbortSignal): Promise<Seat> {
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(new URL(path, url), {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      signal: signal ?? null,
    });
    answer = await response.json();
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw new OfflineError(`The server can't be reached (${error instanceof Error ? error.message : error}).`);
  }
  if (!response.ok) throw errorOf((answer as { error?: unknown }).error);
  return answer as Seat;
}

/** Takes a seat by room code, as a guest with the display name `name`. A wrong code: CredentialsError or NotFoundError; a full
 * session: LimitError; nobody there: OfflineError. */
export function join(options: { url: string; code: string; name: string; signal?: AbortSignal }): Promise<Seat> {
  return post(options.url, "/v1/join", { code: options.code, name: options.name }, {}, options.signal);
}

/** Makes a session; needs the server's admin token or a user's. The answer has its room code. */
export function createSession(options: {
  url: string;
  token: string;
  name: string;
  owner?: string;
  maxParticipants?: number;
  signal?: AbortSignal;
}): Promise<Seat> {
  if (!options.token) throw new CredentialsError({ code: "credentials", message: "A token is needed.", retry: "join" });
  const { name, owner, maxParticipants } = options;
  const body = { name, owner, max_participants: maxParticipants };
  return post(options.url, "/v1/sessions", body, { authorization: `Bearer ${options.token}` }, options.signal);
}

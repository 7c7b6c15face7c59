/* errors.ts — everything that can go wrong, as classes. A server's error is {code, message, retry, data}; the class follows the code,
 * and a code that this version does not know is a plain VibesyncError whose `retry` still says what to do.
 *
 * Aborting is not an error of ours: what is aborted rejects with the signal's own reason. */

/** What may be done after an error: nothing, the same after a pause, join again, or open the document again. */
export type Retry = "never" | "later" | "join" | "reopen";

export interface ErrorValue {
  code: string;
  message: string;
  retry?: string;
  data?: Record<string, unknown> | null;
}

export class VibesyncError extends Error {
  readonly code: string;
  readonly retry: Retry;
  readonly data: Record<string, unknown>;

  constructor(value: ErrorValue) {
    super(value.message);
    this.name = new.target.name;
    this.code = value.code;
    this.retry = value.retry === "later" || value.retry === "join" || value.retry === "reopen" ? value.retry : "never";
    this.data = value.data ?? {};
  }
}

/** The credential, or the room code, is missing, wrong or expired. */
export class CredentialsError extends VibesyncError {}
/** The role does not allow that. */
export class PermissionError extends VibesyncError {}
export class NotFoundError extends VibesyncError {}
/** That name is taken. */
export class ExistsError extends VibesyncError {}
/** The object is in another state than the call supposes. */
export class ConflictError extends VibesyncError {}
/** A parameter is wrong; `data.field` names it. */
export class InvalidError extends VibesyncError {}
/** A limit is passed; `data.limit` and `data.max`. */
export class LimitError extends VibesyncError {}
/** Too much in a short time; `data.after_ms`. */
export class RateError extends VibesyncError {}
/** A part of the server is away or overloaded; it may work later. */
export class UnavailableError extends VibesyncError {}
/** The replica can't be merged with the server's document; `document.stopped` keeps its text. */
export class ReplicaError extends VibesyncError {}
/** There is no connection now, or it was lost before the answer came. */
export class OfflineError extends VibesyncError {
  constructor(message = "There is no connection to the server.") {
    super({ code: "offline", message, retry: "later" });
  }
}
/** The session is over for this client: `closeCode` is the WebSocket's, 1000 after `session.close()`. */
export class ClosedError extends VibesyncError {
  readonly closeCode: number;
  constructor(message: string, closeCode: number) {
    super({ code: "closed", message, retry: closeCode === 4401 ? "join" : "never" });
    this.closeCode = closeCode;
  }
}

const classes: Record<string, typeof VibesyncError> = {
  credentials: CredentialsError,
  not_joined: CredentialsError,
  permission_denied: PermissionError,
  not_found: NotFoundError,
  exists: ExistsError,
  conflict: ConflictError,
  invalid_params: InvalidError,
  limit: LimitError,
  full: LimitError,
  rate: RateError,
  unavailable: UnavailableError,
  overloaded: UnavailableError,
  epoch_mismatch: ReplicaError,
  client_id_taken: ReplicaError,
  rejected: ReplicaError,
};

/** The error of an error value as the server sends it; anything else becomes `internal`. */
export function errorOf(value: unknown): VibesyncError {
  const given = (value ?? {}) as Partial<ErrorValue>;
  const code = typeof given.code === "string" ? given.code : "internal";
  const message = typeof given.message === "string" ? given.message : "The server failed.";
  const Class = Object.hasOwn(classes, code) ? classes[code]! : VibesyncError;
  return new Class({ code, message, retry: given.retry, data: given.data });
}

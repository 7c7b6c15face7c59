/* files.ts — the list of files, kept true by notifications and read anew after each reconnect. */
import { Events } from "./events.js";
import type { Params } from "./line.js";

export interface File {
  id: string;
  path: string;
  /** Bytes of text at the last checkpoint; null: none yet. */
  size: number | null;
  updatedAt: number | null;
  quarantined: boolean;
}

export type Call = (method: string, params: Params, options?: { signal?: AbortSignal }) => Promise<Params>;

function fileOf(value: unknown): File {
  const given = value as Record<string, unknown>;
  return {
    id: String(given.id),
    path: String(given.path),
    size: typeof given.size === "number" ? given.size : null,
    updatedAt: typeof given.updated_at === "number" ? given.updated_at : null,
    quarantined: given.quarantined === true,
  };
}

export interface FileChange {
  event: "created" | "renamed" | "deleted";
  file: File;
  /** Who did it: a user's id, or null. */
  user: string | null;
}

export class Files extends Events<{ change: void; changed: FileChange }> {
  #call: Call;
  #files = new Map<string, File>();
  #heard: FileChange[] | null = null;

  constructor(call: Call) {
    super();
    this.#call = call;
  }

  /** By path, in the order of code points. */
  get list(): File[] {
    return [...this.#files.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  }
  get(id: string): File | undefined {
    return this.#files.get(id);
  }
  find(path: string): File | undefined {
    const wanted = path.normalize("NFC");
    for (const file of this.#files.values()) if (file.path === wanted) return file;
    return undefined;
  }

  /** ExistsError: the path is taken. */
  async create(path: string, options?: { signal?: AbortSignal }): Promise<File> {
    return this.#take(fileOf((await this.#call("file.create", { path }, options)).file));
  }
  async rename(id: string, path: string, options?: { signal?: AbortSignal }): Promise<File> {
    return this.#take(fileOf((await this.#call("file.rename", { file: id, path }, options)).file));
  }
  async delete(id: string, options?: { signal?: AbortSignal }): Promise<void> {
    await this.#call("file.delete", { file: id }, options);
    if (this.#files.delete(id)) this.emit("change", undefined);
  }

  /** For the session: reads the list anew. What is heard meanwhile is newer than the pages. */
  async load(): Promise<void> {
    const files = new Map<string, File>();
    const heard: FileChange[] = (this.#heard = []);
    let after: string | undefined;
    do {
      const page = await this.#call("file.list", { after, limit: 500 });
      for (const value of page.files as unknown[]) {
        const file = fileOf(value);
        files.set(file.id, file);
      }
      after = typeof page.next === "string" ? page.next : undefined;
    } while (after !== undefined);
    if (this.#heard !== heard) return; // another load began meanwhile
    this.#heard = null;
    this.#files = files;
    for (const change of heard) this.#apply(change);
    this.emit("change", undefined);
  }

  /** For the session: `file.changed`. */
  note(params: Params): void {
    const event = params.event === "deleted" || params.event === "renamed" ? params.event : "created";
    const change: FileChange = { event, file: fileOf(params.file), user: typeof params.user === "string" ? params.user : null };
    this.#heard?.push(change);
    this.#apply(change);
    this.emit("changed", change);
    this.emit("change", undefined);
  }

  #apply(change: FileChange): void {
    if (change.event === "deleted") this.#files.delete(change.file.id);
    else this.#files.set(change.file.id, change.file);
  }

  #take(file: File): File {
    this.#files.set(file.id, file);
    this.emit("change", undefined);
    return file;
  }
}

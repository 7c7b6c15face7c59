/* events.ts — who wants to know what changed. A listener that throws is reported to the console and harms nobody else. */

export class Events<Map extends Record<string, unknown>> {
  #listeners = new Map<keyof Map, Set<(value: never) => void>>();

  /** Calls `listener` at each `event` until the returned function is called. */
  on<Name extends keyof Map>(event: Name, listener: (value: Map[Name]) => void): () => void {
    let set = this.#listeners.get(event);
    if (!set) this.#listeners.set(event, (set = new Set()));
    set.add(listener);
    return () => void set.delete(listener);
  }

  /** Resolves at the first moment at which `holds` is true: now, or after one of the `event`s. */
  when<Name extends keyof Map>(event: Name, holds: () => boolean, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (holds()) return resolve();
      const onAbort = () => (off(), reject(signal!.reason));
      const off = this.on(event, () => {
        if (!holds()) return;
        off();
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** For the class itself. */
  protected emit<Name extends keyof Map>(event: Name, value: Map[Name]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        (listener as (value: Map[Name]) => void)(value);
      } catch (error) {
        console.error(error);
      }
    }
  }
}

/* retry.ts — when to come back. Close codes are read by band, so that a code which does not exist yet is treated rightly:
 *
 *   44xx, 1000, 1002, 1003, 1007-1010   never by itself: the application must act, or one side has a defect
 *   1001                                at once, or when the server's last fault said (`after_ms`): it goes away and another one waits
 *   45xx, everything else               after a pause: 0.25 s, doubling to 30 s; half of it is chance, so that a crowd spreads */

export type Decision = "never" | "at once" | "later";

const defects = new Set([1000, 1002, 1003, 1007, 1008, 1009, 1010]);

export function decideClose(code: number): Decision {
  if (code === 1001) return "at once";
  if ((code >= 4400 && code < 4500) || defects.has(code)) return "never";
  return "later";
}

export const backoffMin = 250;
export const backoffMax = 30_000;

/** The pause in ms before the attempt after `attempts` failed ones; `random` in [0, 1). */
export function backoff(attempts: number, random: number = Math.random()): number {
  const pause = Math.min(backoffMax, backoffMin * 2 ** Math.min(attempts, 16));
  return pause / 2 + (pause / 2) * random;
}

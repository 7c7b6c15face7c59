// wait.mjs — waiting for a state, with a deadline. No test here sleeps for a time and hopes.

export const DEADLINE_MS = 30_000;
const POLL_MS = 10;

// Asks `probe` until it answers something true, and answers that. An exception of the probe counts as "not yet"; the last one is told.
export async function until(what, probe, ms = DEADLINE_MS) {
    const deadline = performance.now() + ms;
    let last;
    for (;;) {
        try {
            const answer = await probe();
            if (answer) return answer;
            last = undefined;
        } catch (error) {
            last = error;
        }
        if (performance.now() > deadline)
            throw new Error(`after ${ms} ms still not: ${what}${last ? ` (${last.message})` : ''}`, { cause: last });
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
}

// `promise`, or an error after `ms`.
export async function within(what, promise, ms = DEADLINE_MS) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`after ${ms} ms still not: ${what}`)), ms);
    });
    try {
        return await Promise.race([promise, late]);
    } finally {
        clearTimeout(timer);
    }
}

// The only use of time in itself: asserting that for a while something does *not* happen, or letting an outage last.
export function pause(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
}

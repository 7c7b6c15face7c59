// random.mjs — seeded random numbers (mulberry32). A test prints its seed; VIBESYNC_SEED=… repeats it.

export function seedOfThisRun() {
    const given = process.env.VIBESYNC_SEED;
    return given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given) >>> 0;
}

export class Random {
    constructor(seed) {
        this.state = seed >>> 0;
    }

    // 0 ≤ x < 1
    unit() {
        this.state = (this.state + 0x6d2b79f5) >>> 0;
        let t = this.state;
        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    }

    // A whole number, from ≤ x < to.
    between(from, to) {
        return from + Math.floor(this.unit() * (to - from));
    }

    pick(list) {
        return list[this.between(0, list.length)];
    }
}

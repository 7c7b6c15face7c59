// typist.mjs — a client that never stops: it types whether or not it is connected, and comes back by itself when the line is gone.
import { Random } from './random.mjs';
import { pause } from './wait.mjs';

export class Typist {
    // `person` has its documents open. `pauseMs`: the longest between two edits.
    constructor(person, seed, { pauseMs = 8 } = {}) {
        this.person = person;
        this.random = new Random(seed);
        this.replicas = person.openReplicas;
        this.pauseMs = pauseMs;
        this.stopped = false;
    }

    start() {
        this.typing = this.type();
        this.line = this.stayConnected();
    }

    // Hands rest, the line stays.
    async stop() {
        this.stopped = true;
        await this.typing;
    }

    get isBack() {
        return !this.person.closeEvent && this.replicas.every((replica) => replica.doc !== undefined);
    }

    async type() {
        const { random } = this;
        while (!this.stopped && !this.person.givenUp) {
            const replica = random.pick(this.replicas);
            const length = replica.ytext.length;
            if (length > 20 && random.unit() < 0.25) replica.delete(random.between(0, length - 3), random.between(1, 4));
            else replica.insert(random.between(0, length + 1), random.pick(['a', 'word ', '\n', 'é', '👩‍👧', 'longer piece of text ']));
            await pause(random.between(0, this.pauseMs)); // by default a quick hand
        }
    }

    async stayConnected() {
        for (;;) {
            await this.person.closed;
            for (const replica of this.replicas) replica.doc = undefined;
            while (!this.isBack && !this.person.givenUp) {
                try {
                    await this.person.resume();
                } catch {
                    await pause(50);
                }
            }
            if (this.person.givenUp) return;
        }
    }
}

// peers.mjs — the programs beside which vibesyncd runs, as Debian has them: unpacked by `./dev peers` and by `./dev test`, not installed.
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const PEERS = resolve(import.meta.dirname, '../../../.vibesync/peers');

// {program, environment} to start `name` with. `folder`: run from a copy in there, for a user who can't enter the checkout.
export function peer(name, folder) {
    let home = join(PEERS, name);
    if (!existsSync(home)) throw new Error(`${home} is missing: ./dev peers unpacks it`);
    if (folder) {
        cpSync(home, join(folder, name), { recursive: true });
        home = join(folder, name);
    }
    const libraries = ['usr/lib', 'lib'].map((place) => join(home, place)).filter(existsSync)
        .flatMap((place) => readdirSync(place).filter((entry) => entry.endsWith('-linux-gnu')).map((entry) => join(place, entry)));
    const program = ['usr/sbin', 'usr/bin'].map((place) => join(home, place, name)).find(existsSync);
    return { program, environment: { LD_LIBRARY_PATH: libraries.join(':') } };
}

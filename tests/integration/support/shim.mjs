// shim.mjs — tests/support/fault_shim.c in a server under test, or in PostgreSQL: its wall clock jumps, its allocations fail, when a test says so.
import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROGRAM } from './program.mjs';

export class Shim {
    constructor(folder, name = 'shim') {
        this.path = join(folder, name);
        writeFileSync(this.path, Buffer.alloc(24), { mode: 0o600 });
        this.fd = openSync(this.path, 'r+');
    }

    // For the environment of the server.
    get environment() {
        return { LD_PRELOAD: join(dirname(PROGRAM), 'libfault_shim.so'), VIBESYNC_SHIM: this.path };
    }

    write(offset, value) {
        const bytes = Buffer.alloc(8);
        bytes.writeBigInt64LE(BigInt(value));
        writeSync(this.fd, bytes, 0, 8, offset);
    }

    // The wall clock is `ms` off from now on.
    setClock(ms) {
        this.write(0, ms);
    }

    // One allocation in `n` fails; 0: none.
    failOneIn(n) {
        this.write(8, n);
    }

    get failed() {
        const bytes = Buffer.alloc(8);
        readSync(this.fd, bytes, 0, 8, 16);
        return Number(bytes.readBigUInt64LE());
    }

    close() {
        closeSync(this.fd);
    }
}

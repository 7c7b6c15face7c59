// shim.mjs — tests/support/fault_shim.c in a server under test, or in PostgreSQL: its wall clock jumps, its allocations
// fail, its sockets are full, when a test says so; what it has allocated and what it does is counted.
import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROGRAM } from './program.mjs';
import { until } from './wait.mjs';

export class Shim {
    constructor(folder, name = 'shim') {
        this.path = join(folder, name);
        writeFileSync(this.path, Buffer.alloc(72), { mode: 0o600 });
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

    read(offset) {
        const bytes = Buffer.alloc(8);
        readSync(this.fd, bytes, 0, 8, offset);
        return Number(bytes.readBigUInt64LE());
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
        return this.read(16);
    }

    // Bytes that are allocated. Not the size of the process: glibc keeps what was freed, most of a peak, to use it again.
    async bytesInUse() {
        this.write(24, 1);
        await until('the allocator has counted', () => this.read(24) === 0);
        return this.read(32);
    }

    // `percent` of its sends find the kernel's buffer full.
    fillSockets(percent) {
        this.write(40, percent);
    }

    // What the program's own code has called since it began.
    get calls() {
        return { allocations: this.read(48), sends: this.read(56), receives: this.read(64) };
    }

    close() {
        closeSync(this.fd);
    }
}

// handed_socket.mjs — a socket that listens and belongs to the test, as one of systemd's does to systemd: processes come and go on it.
//
// Node polls every socket that it lets listen, and would take arrivals itself. So it only binds, and a short-lived program says listen().
import { execFileSync } from 'node:child_process';

const { TCP, constants } = process.binding('tcp_wrap');

export class HandedSocket {
    constructor() {
        this.handle = new TCP(constants.SERVER);
        if (this.handle.bind('127.0.0.1', 0) !== 0) throw new Error('bind');
        this.fd = this.handle.fd;
        execFileSync('perl', ['-e', 'open(S, "+<&=", 3) && listen(S, 1024) || die $!'], { stdio: ['ignore', 'ignore', 'inherit', this.fd] });
    }

    close() {
        this.handle.close();
    }
}

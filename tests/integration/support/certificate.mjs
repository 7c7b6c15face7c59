// certificate.mjs — an issuer, and certificates of its for a server on loopback, made by openssl.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const openssl = (...words) => execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] });

export class Issuer {
    constructor() {
        this.folder = mkdtempSync(join(tmpdir(), 'vibesync-tls-'));
        this.key = join(this.folder, 'issuer.key');
        this.file = join(this.folder, 'issuer.crt');
        openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-keyout', this.key,
            '-out', this.file, '-subj', '/CN=an issuer for tests', '-addext', 'basicConstraints=critical,CA:TRUE');
        this.pem = readFileSync(this.file, 'utf8');
    }

    // Writes NAME.crt and NAME.key, for 127.0.0.1 and localhost or for `names`; negative `days`: it ended before.
    issue(name, names = 'IP:127.0.0.1,DNS:localhost', days = 2) {
        const path = (end) => join(this.folder, `${name}.${end}`);
        openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', path('key'), '-out', path('csr'),
            '-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`);
        openssl('x509', '-req', '-in', path('csr'), '-CA', this.file, '-CAkey', this.key, '-CAcreateserial', '-days', `${days}`,
            '-copy_extensions', 'copy', '-out', path('crt'));
        return { certificate: path('crt'), key: path('key') };
    }

    destroy() {
        rmSync(this.folder, { recursive: true, force: true });
    }
}

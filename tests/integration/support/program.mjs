// program.mjs — the vibesyncd of the build under test.
import { resolve } from 'node:path';

export const PROGRAM = process.env.VIBESYNCD ?? resolve(import.meta.dirname, '../../../build/release/bin/vibesyncd');

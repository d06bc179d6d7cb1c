import { resolve } from 'node:path';
import type { CommandTerminal } from '../terminal.ts';

/** The checkout that the tests run in. */
export const CHECKOUT = resolve(import.meta.dirname, '../../../..');

/** 2026-03-01T12:00:00Z: the time of every test. */
export const NOW = 1_772_366_400_000;

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A terminal that keeps what is printed; `ran` says it, with the exit code. */
export function recordedTerminal(stdin: string | readonly Uint8Array[] = ''): {
  readonly terminal: CommandTerminal;
  ran(code: number): Ran;
} {
  let out = '';
  let err = '';
  const chunks = typeof stdin === 'string' ? [Buffer.from(stdin)] : stdin;
  const terminal: CommandTerminal = {
    write: async (text) => {
      out += text;
    },
    note: (text) => {
      err += text;
    },
    input: (async function* () {
      yield* chunks;
    })(),
    colour: false,
    directory: CHECKOUT,
    now: () => NOW,
  };
  return { terminal, ran: (code) => ({ code, out, err }) };
}

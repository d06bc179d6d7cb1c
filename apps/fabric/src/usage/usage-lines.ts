import { createHash } from 'node:crypto';
import type { UsageCharge } from '@provability-fabric/enforcement';
import { z } from 'zod';
import type { Charging, Count, Releasing } from './usage-counts.ts';

/** What the file says, line by line: counts as they were when it was written, then what changed them. */
export type UsageEntry =
  | { readonly op: 'begin' }
  | { readonly op: 'count'; readonly count: Count }
  | { readonly op: 'charge'; readonly charging: Charging }
  | { readonly op: 'release'; readonly releasing: Releasing };

export interface NumberedEntry {
  readonly seq: number;
  /** All lines up to this one were durable when this one was written. */
  readonly durable: number;
  readonly entry: UsageEntry;
}

const whole = z.int().nonnegative();
const text = z.string();
const charge = z.strictObject({
  clause: text,
  unit: text,
  key: text,
  amount: z.int().positive(),
  window_ms: whole.nullable(),
  tolerance_ms: whole,
});
const reservation = { tenant: text, certificate: text, attempt: whole, charges: z.array(charge) };
const kept = z.tuple([text, whole, whole, z.string().regex(/^\d{1,40}$/)]);
const lineSchema = z.discriminatedUnion('op', [
  z.strictObject({ seq: whole, durable: whole, op: z.literal('begin') }),
  z.strictObject({
    ...{ seq: whole, durable: whole, op: z.literal('count') },
    ...{ tenant: text, clause: text, unit: text, key: text },
    ...{ at: whole, kept_ms: whole.nullable(), charges: z.array(kept) },
  }),
  z.strictObject({ seq: whole, durable: whole, op: z.literal('charge'), at: whole, ...reservation }),
  z.strictObject({ seq: whole, durable: whole, op: z.literal('release'), ...reservation }),
]);

const CHECKSUM = 16;

/** A checksum, a space, and JSON. */
export function formatLine({ seq, durable, entry }: NumberedEntry): string {
  const json = JSON.stringify({ seq, durable, ...membersOf(entry) });
  return `${checksum(json)} ${json}\n`;
}

/**
 * undefined for what is no whole line of ours. What is one, by its checksum, and yet says something unknown was written by
 * another version: to leave it out would forget what it counts.
 */
export function parseLine(line: string): NumberedEntry | 'strange' | undefined {
  const json = line.slice(CHECKSUM + 1);
  if (line[CHECKSUM] !== ' ' || line.slice(0, CHECKSUM) !== checksum(json)) return undefined;
  const read = lineSchema.safeParse(parsed(json));
  if (!read.success) return 'strange';
  const { seq, durable } = read.data;
  return { seq, durable, entry: entryOf(read.data) };
}

function membersOf(entry: UsageEntry): object {
  switch (entry.op) {
    case 'begin':
      return entry;
    case 'charge':
      return { op: entry.op, ...entry.charging, charges: entry.charging.charges.map(chargeOf) };
    case 'release':
      return { op: entry.op, ...entry.releasing, charges: entry.releasing.charges.map(chargeOf) };
    case 'count': {
      const { tenant, clause, unit, key, at, keptMs: kept_ms, charges, first } = entry.count;
      const there = charges.slice(first).filter(({ amount }) => amount > 0n);
      const written = there.map((each) => [each.certificate, each.attempt, each.at, `${each.amount}`]);
      return { op: entry.op, tenant, clause, unit, key, at, kept_ms, charges: written };
    }
  }
}

/** Callers may know more of a charge than is counted by. */
function chargeOf({ clause, unit, key, amount, window_ms, tolerance_ms }: UsageCharge): UsageCharge {
  return { clause, unit, key, amount, window_ms, tolerance_ms };
}

function entryOf(line: z.infer<typeof lineSchema>): UsageEntry {
  switch (line.op) {
    case 'begin':
      return { op: 'begin' };
    case 'charge': {
      const { tenant, certificate, attempt, at, charges } = line;
      return { op: 'charge', charging: { tenant, certificate, attempt, at, charges } };
    }
    case 'release': {
      const { tenant, certificate, attempt, charges } = line;
      return { op: 'release', releasing: { tenant, certificate, attempt, charges } };
    }
    case 'count': {
      const { tenant, clause, unit, key, at, kept_ms: keptMs } = line;
      const charges = line.charges.map(([certificate, attempt, since, amount]) => ({
        ...{ certificate, attempt, at: since, amount: BigInt(amount) },
      }));
      const own = charges.filter(({ certificate }) => certificate !== '');
      const byCertificate = new Map(own.map((each) => [each.certificate, each]));
      const total = charges.reduce((sum, { amount }) => sum + amount, 0n);
      const count = { tenant, clause, unit, key, at, keptMs, total, charges, first: 0, byCertificate };
      return { op: 'count', count };
    }
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function checksum(json: string): string {
  return createHash('sha256').update(json).digest('hex').slice(0, CHECKSUM);
}

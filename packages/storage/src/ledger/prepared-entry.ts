// What can be done about an entry before the sequencer's turn: checking it, hashing it, and taking from its
// statement what it is found by.
import type { LedgerBatch, LedgerEntry } from '@provability-fabric/evidence';
import { asSessionId, asTenantId, type Crypto, hex, IdError } from '@provability-fabric/kernel';
import { LedgerError } from '../errors.ts';

const MAX_BATCH_ENTRIES = 8_192;
/** One commit of the file log may have 64 MiB. */
const MAX_BATCH_BYTES = 80 * 1024 * 1024;
const MAX_COLUMN_LENGTH = 256;
/** Control characters, and halves of a surrogate pair, which no UTF-8 has. */
const UNSTORABLE = /[\p{Cc}\p{Cs}]/u;

export interface PreparedEntry {
  readonly entry: LedgerEntry;
  /** SHA-256(salt ‖ envelope). */
  readonly leafData: Uint8Array;
  /** The digest that the statement names as the one before it; undefined where its kind names none. */
  readonly previous: string | null | undefined;
  readonly id: string | null;
  readonly principal: string | null;
  readonly verdict: string | null;
}

export interface PreparedBatch {
  readonly batch: LedgerBatch;
  readonly entries: readonly PreparedEntry[];
  readonly bytes: number;
}

/** Throws BAD_ENTRY for what no correct caller sends: nothing of the batch is kept then. */
export function prepareBatch(crypto: Crypto, batch: LedgerBatch): PreparedBatch {
  const { writer, from, entries } = batch;
  if (!isWriter(writer)) throw bad('expected a writer of 1 to 256 characters without control characters');
  if (from !== null && !isCount(from)) throw bad('expected a log index of at least 0');
  if (entries.length === 0 || entries.length > MAX_BATCH_ENTRIES) {
    throw bad(`expected 1 to ${MAX_BATCH_ENTRIES} entries, got \`${entries.length}\``);
  }
  for (const fence of batch.fences?.values() ?? []) {
    if (!isCount(fence)) throw bad('expected fences of at least 0');
  }
  let bytes = 0;
  for (const { envelope, sealedRecord } of entries) bytes += envelope.length + (sealedRecord?.length ?? 0);
  if (bytes > MAX_BATCH_BYTES) throw bad(`expected at most ${MAX_BATCH_BYTES} bytes, got \`${bytes}\``);
  return { batch, bytes, entries: entries.map((entry) => prepareEntry(crypto, entry)) };
}

/** The form in which a writer's name may be stored. */
export function isWriter(writer: string): boolean {
  return column(writer) !== null && writer.length > 0;
}

function prepareEntry(crypto: Crypto, entry: LedgerEntry): PreparedEntry {
  const { type, tenant, session, seq, digest, issuedAt, envelope, salt } = entry;
  try {
    asTenantId(tenant);
    if (session !== null) asSessionId(session);
  } catch (error) {
    if (error instanceof IdError) throw bad(error.message);
    throw error;
  }
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(type)) throw bad('expected a type of lowercase letters, digits and `-`');
  if (seq !== null && (session === null || !isCount(seq)))
    throw bad('expected a seq of a session, at least 0');
  if (!isCount(issuedAt)) throw bad('expected a time of at least 0 ms');
  if (salt.length !== 32) throw bad(`expected a salt of 32 bytes, got \`${salt.length}\``);
  const payload = payloadOf(envelope);
  // The digest decides what is a repeat: taken on trust, a wrong one would make a statement vanish.
  if (hex(crypto.sha256(payload)) !== digest) throw bad('expected the digest of the payload, got another');
  const statement = objectIn(payload.toString('utf8'), 'a statement');
  requireSame(statement, { type, tenant, session, seq });
  const leaf = Buffer.allocUnsafe(salt.length + envelope.length);
  leaf.set(salt);
  leaf.set(envelope, salt.length);
  return {
    entry,
    leafData: crypto.sha256(leaf),
    previous: own(statement, 'previous') as string | null | undefined,
    id: column(
      own(statement, 'certificate_id') ??
        own(statement, 'receipt_id') ??
        own(statement, 'access_id') ??
        own(statement, 'change_id'),
    ),
    principal: column(principalOf(statement)),
    verdict: column(own(statement, 'verdict')),
  };
}

function payloadOf(envelope: Uint8Array): Buffer {
  const bytes = Buffer.from(envelope.buffer, envelope.byteOffset, envelope.length);
  const payload = own(objectIn(bytes.toString('utf8'), 'an envelope'), 'payload');
  if (typeof payload !== 'string') throw bad('expected an envelope with a payload');
  return Buffer.from(payload, 'base64');
}

// The engine's parser and not the kernel's: it is ten times as fast, and what it may get wrong, large numbers
// and members given twice, ends in a column to search by at most. Who verifies reads the envelope.
function objectIn(text: string, what: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (typeof value !== 'object' || value === null) throw bad(`expected ${what} in JSON`);
  return value;
}

/** What a statement says of its place has to be what the entry says, where it says anything. */
function requireSame(statement: object, place: Readonly<Record<string, unknown>>): void {
  for (const [name, expected] of Object.entries(place)) {
    const said = own(statement, name);
    if (said !== undefined && said !== expected) {
      throw bad(`expected the \`${name}\` that the statement names, got another`);
    }
  }
}

function principalOf(statement: object): unknown {
  const principal = own(statement, 'principal') ?? own(statement, 'subject_id');
  return typeof principal === 'object' && principal !== null ? own(principal, 'id') : principal;
}

/** A name that the database cannot hold, or that is endless, is not found by; the envelope still has it. */
function column(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > MAX_COLUMN_LENGTH) return null;
  return UNSTORABLE.test(value) ? null : value;
}

function own(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function bad(problem: string): LedgerError {
  return new LedgerError('BAD_ENTRY', `nothing of the batch was added: ${problem}`);
}

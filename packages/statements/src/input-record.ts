import {
  asDigest,
  CanonicalWriter,
  type Crypto,
  canonicalBytes,
  concatBytes,
  type Digest,
  field,
  hex,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  leafHash,
  treeRoot,
  utf8,
} from '@provability-fabric/kernel';
import { StatementError } from './errors.ts';

/** One disclosed leaf of a decision input. The salt keeps a guessed value from being confirmed by the root alone. */
interface InputLeaf {
  readonly path: string;
  /** 64 hex digits. */
  readonly salt: string;
  readonly value: JsonValue;
}

/** Everything `step` read for one statement, as the leaves of a salted Merkle tree (CONTRACTS §6). */
export interface InputRecord {
  readonly leaves: readonly InputLeaf[];
}

// These members hold parts of different sensitivity, so each part is a leaf of its own and can be disclosed alone.
const SPLIT = new Set(['action', 'principal']);

/** Splits an input into leaves ordered by path. `seed` is 32 random bytes; a leaf's salt is SHA-256(seed ‖ path). */
export function inputRecord(crypto: Crypto, input: JsonObject, seed: Uint8Array): InputRecord {
  const leaves: InputLeaf[] = [];
  for (const [path, value] of parts(input))
    leaves.push({ path, salt: hex(crypto.sha256(concatBytes(seed, utf8(path)))), value });
  return { leaves };
}

export interface WrittenRecord {
  /** Canonical bytes of the record. */
  readonly bytes: Uint8Array;
  readonly root: Digest;
}

const SALT_BYTES = 32;
const record = new CanonicalWriter();
const leaf = new CanonicalWriter();

/**
 * The record of an input as it is stored, and its root, in one pass: a decision waits for this. `random` gives bytes of
 * the operating system's generator, and each leaf's salt is its own 32 of them.
 */
export function writeInputRecord(
  crypto: Crypto,
  input: JsonObject,
  random: (length: number) => Uint8Array,
): WrittenRecord {
  const leaves = parts(input);
  const hashes: Uint8Array[] = [];
  record.clear();
  record.ascii('{"leaves":[');
  for (const [path, value] of leaves) {
    const salt = random(SALT_BYTES);
    record.ascii(hashes.length === 0 ? '{"path":' : ',{"path":');
    record.value(path);
    record.ascii(',"salt":"');
    record.hex(salt);
    record.ascii('","value":');
    const from = record.length;
    record.value(value);
    leaf.clear();
    // RFC 6962 §2.1: the byte 0 before an entry is what makes it a leaf.
    leaf.ascii('\0[');
    leaf.value(path);
    leaf.ascii(',"');
    leaf.hex(salt);
    leaf.ascii('",');
    leaf.raw(record.view(from));
    leaf.ascii(']');
    hashes.push(crypto.sha256(leaf.view()));
    record.ascii('}');
  }
  record.ascii(']}');
  return { bytes: record.copy(), root: asDigest(hex(treeRoot(crypto, hashes))) };
}

/** What is disclosed or withheld as one, ordered by path. */
function parts(input: JsonObject): (readonly [path: string, value: JsonValue])[] {
  const found: (readonly [string, JsonValue])[] = [];
  for (const key of Object.keys(input).sort()) {
    const value = input[key] as JsonValue;
    if (SPLIT.has(key) && isJsonObject(value)) {
      for (const part of Object.keys(value).sort()) found.push([`/${key}/${part}`, value[part] as JsonValue]);
    } else found.push([`/${key}`, value]);
  }
  return found;
}

export function inputRoot(crypto: Crypto, record: InputRecord): Digest {
  const hashes = record.leaves.map((leaf) =>
    leafHash(crypto, canonicalBytes([leaf.path, leaf.salt, leaf.value])),
  );
  return asDigest(hex(treeRoot(crypto, hashes)));
}

/** The input that was recorded. The caller has compared the record's root with the certificate's. */
export function inputOf(record: InputRecord): JsonObject {
  const input: Record<string, JsonValue> = {};
  for (const { path, value } of record.leaves) {
    const [key = '', part] = path.slice(1).split('/');
    if (part === undefined) input[key] = value;
    else {
      const parts = (input[key] ?? {}) as JsonObject;
      input[key] = { ...parts, [part]: value };
    }
  }
  return input;
}

/** Parses a record from untrusted JSON; strict, since every byte of an export must be covered by some check. */
export function parseInputRecord(value: JsonValue): InputRecord {
  const leaves = field(value, 'leaves');
  if (!isJsonObject(value) || Object.keys(value).length !== 1 || !Array.isArray(leaves)) {
    throw malformed('an input record with `leaves` only');
  }
  const parsed = leaves.map(parseLeaf);
  const paths = new Set(parsed.map(({ path }) => path));
  for (const [index, { path }] of parsed.entries()) {
    const inOrder = index === 0 || path > (parsed[index - 1] as InputLeaf).path;
    const [key = '', part] = path.slice(1).split('/');
    // Only what `inputRecord` writes: no path that names a prototype, no member both whole and in parts.
    const known = part === undefined || (SPLIT.has(key) && !paths.has(`/${key}`));
    if (!inOrder || !known || path.includes('__proto__'))
      throw malformed(`each leaf once and in order, came \`${path}\``);
  }
  return { leaves: parsed };
}

function parseLeaf(leaf: JsonValue): InputLeaf {
  const path = field(leaf, 'path');
  const salt = field(leaf, 'salt');
  const value = field(leaf, 'value');
  const wellFormed =
    isJsonObject(leaf) &&
    Object.keys(leaf).length === 3 &&
    typeof path === 'string' &&
    /^\/[a-z_]+(\/[a-z_]+)?$/.test(path) &&
    typeof salt === 'string' &&
    /^[0-9a-f]{64}$/.test(salt) &&
    value !== undefined;
  if (!wellFormed) throw malformed('a leaf of `path`, `salt` and `value`');
  return { path, salt, value };
}

function malformed(expected: string): StatementError {
  return new StatementError('RECORD_MALFORMED', `expected ${expected}`);
}

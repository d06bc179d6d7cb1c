// Records hold prompts, arguments and results, so each tenant's are encrypted under a key of its own:
// deleting that key's file erases them everywhere, backups of the journal included, while certificates and
// proofs stay whole.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { canonicalBytes, concatBytes, equalBytes, utf8 } from '@provability-fabric/kernel';
import { createFile, ensureFolder, removeFile } from '../durable-files.ts';
import { EvidenceError, hasSystemCode } from '../errors.ts';
import type { Emit, RecordPlace, RecordSealer } from '../ports.ts';
import {
  formatRecordKey,
  RECORD_KEY_ID_BYTES,
  type RecordKey,
  readRecordKey,
  recordKey,
  recordKeyPath,
} from './record-key.ts';

// version 1 ‖ key id (8) ‖ nonce (12) ‖ ciphertext ‖ tag (16)
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + RECORD_KEY_ID_BYTES + NONCE_BYTES;

export interface FileRecordSealer extends RecordSealer {
  /** Forgets a tenant's key for good; its records are null from now on. Safe while the fabric runs. */
  erase(tenant: string): Promise<void>;
}

/** Seals with AES-256-GCM under `record.<tenant>.key` in the key folder. */
export function openRecordSealer(options: {
  readonly directory: string;
  readonly emit: Emit;
}): FileRecordSealer {
  const { directory, emit } = options;
  const keys = new Map<string, Promise<RecordKey>>();

  async function load(tenant: string, hasHistory: boolean): Promise<RecordKey> {
    const stored = await readRecordKey(directory, tenant);
    if (stored !== undefined) return stored;
    const made = await create(directory, tenant, hasHistory).catch(async (error: unknown) => {
      // Another process of the same key folder was first: sealed under two keys, half of the records would be lost.
      if (hasSystemCode(error, 'EEXIST')) return undefined;
      throw error;
    });
    if (made === undefined) return load(tenant, hasHistory);
    emit(hasHistory ? 'record_key_renewed' : 'record_key_created', { tenant });
    return made;
  }

  return {
    async sealer(tenant, hasHistory) {
      let loading = keys.get(tenant);
      if (loading === undefined) {
        loading = load(tenant, hasHistory);
        keys.set(tenant, loading);
        // A full disk passes: the next commit tries again.
        loading.catch(() => keys.delete(tenant));
      }
      const key = await loading;
      return (place, record) => seal(key, place, record);
    },

    // The file is read again each time: an operator who deletes it has erased the records, whoever still
    // holds the key.
    async opener(tenant) {
      const key = await readRecordKey(directory, tenant);
      return (place, sealed) => (key === undefined ? null : open(key, place, sealed));
    },

    async erase(tenant) {
      keys.delete(tenant);
      await removeFile(recordKeyPath(directory, tenant));
    },
  };
}

async function create(directory: string, tenant: string, renewed: boolean): Promise<RecordKey> {
  const key = randomBytes(32);
  await ensureFolder(directory, 0o700);
  // Durable before its first use: a record sealed under a key that a crash loses would be lost with it.
  const text = utf8(`${formatRecordKey(tenant, key, renewed)}\n`);
  await createFile(recordKeyPath(directory, tenant), text, 0o600);
  return recordKey(tenant, key, renewed);
}

function seal(key: RecordKey, place: RecordPlace, record: Uint8Array): Uint8Array {
  // Random nonces under one key are safe for 2^32 records; a tenant that reaches that needs a database, not
  // files.
  const nonce = nextNonce();
  const cipher = createCipheriv('aes-256-gcm', key.key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(boundTo(place));
  const ciphertext = cipher.update(record);
  cipher.final();
  return concatBytes(Uint8Array.of(VERSION), key.id, nonce, ciphertext, cipher.getAuthTag());
}

const NONCE_POOL_BYTES = 341 * NONCE_BYTES;
let noncePool = Buffer.alloc(0);
let noncesUsed = 0;

/** Fetched many at a time: each call into the operating system's generator costs as much as sealing does. */
function nextNonce(): Buffer {
  if (noncesUsed === noncePool.length) {
    noncePool = randomBytes(NONCE_POOL_BYTES);
    noncesUsed = 0;
  }
  noncesUsed += NONCE_BYTES;
  return noncePool.subarray(noncesUsed - NONCE_BYTES, noncesUsed);
}

function open(key: RecordKey, place: RecordPlace, sealed: Uint8Array): Uint8Array | null {
  if (sealed.length < HEADER_BYTES + TAG_BYTES || sealed[0] !== VERSION) {
    throw unreadable(place, 'it is not a sealed record of version 1');
  }
  if (!equalBytes(sealed.subarray(1, 1 + RECORD_KEY_ID_BYTES), key.id)) {
    if (key.renewed) return null;
    throw unreadable(place, "its tenant's key file holds another key; put back the one it was sealed with");
  }
  const nonce = sealed.subarray(1 + RECORD_KEY_ID_BYTES, HEADER_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key.key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(boundTo(place));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const record = decipher.update(sealed.subarray(HEADER_BYTES, -TAG_BYTES));
  try {
    decipher.final();
  } catch (cause) {
    throw unreadable(place, 'it was changed, or moved here from another place', cause);
  }
  return new Uint8Array(record);
}

/** No record can be moved to another tenant, session or seq. */
function boundTo({ tenant, session, seq }: RecordPlace): Uint8Array {
  return canonicalBytes(['provability-fabric/record/v1', tenant, session, seq]);
}

function unreadable({ tenant, session, seq }: RecordPlace, problem: string, cause?: unknown): EvidenceError {
  return new EvidenceError(
    'RECORD_UNREADABLE',
    `the input record of seq ${seq} of session \`${session}\` of tenant \`${tenant}\` cannot be opened: ${problem}`,
    cause === undefined ? {} : { cause },
  );
}

import { createSecretKey, hash, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { base64, fromBase64 } from '@provability-fabric/kernel';
import { EvidenceError, hasSystemCode } from '../errors.ts';
import { readSecretFile } from '../keys/secret-file.ts';

/**
 * One tenant's record key: `RECORD+KEY+tenant+id+first|renewed+base64`, in `keys/record.<tenant>.key`, 0600.
 */
export interface RecordKey {
  readonly tenant: string;
  /** The first 8 bytes of SHA-256(key); every sealed record names it. */
  readonly id: Uint8Array;
  readonly key: KeyObject;
  /** Made after an earlier key was erased: records under other ids are erased, not damaged. */
  readonly renewed: boolean;
}

export const RECORD_KEY_ID_BYTES = 8;

const MARK = 'RECORD+KEY';

/**
 * Percent-encoded, so that no tenant reaches another folder. A name too long for a file system is replaced by
 * its hash behind `=`, which percent-encoding never leaves standing.
 */
export function recordKeyPath(directory: string, tenant: string): string {
  const encoded = encodeURIComponent(tenant);
  const name = encoded.length <= 200 ? encoded : `=${hash('sha256', tenant, 'hex')}`;
  return join(directory, `record.${name}.key`);
}

export function formatRecordKey(tenant: string, key: Uint8Array, renewed: boolean): string {
  const id = recordKeyId(key).toString('hex');
  return [MARK, encodeURIComponent(tenant), id, renewed ? 'renewed' : 'first', base64(key)].join('+');
}

export function recordKey(tenant: string, key: Uint8Array, renewed: boolean): RecordKey {
  return { tenant, id: recordKeyId(key), key: createSecretKey(key), renewed };
}

/** The tenant's key, or undefined where the file is missing: then its records are erased. */
export async function readRecordKey(directory: string, tenant: string): Promise<RecordKey | undefined> {
  const path = recordKeyPath(directory, tenant);
  let text: string;
  try {
    text = await readSecretFile(path);
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  const parsed = /^RECORD\+KEY\+([^+]+)\+([0-9a-f]{16})\+(first|renewed)\+([A-Za-z0-9+/]{43}=)$/.exec(text);
  const [, owner, id, history, encoded = ''] = parsed ?? [];
  const key = fromBase64(encoded);
  // A case-insensitive file system gives two tenants one file; then one's erasure must not become the
  // other's.
  if (owner !== encodeURIComponent(tenant) || id !== recordKeyId(key).toString('hex')) {
    throw new EvidenceError(
      'KEY_MALFORMED',
      `expected \`${path}\` to hold the record key of tenant \`${tenant}\`; put back the file as it was made`,
    );
  }
  return recordKey(tenant, key, history === 'renewed');
}

function recordKeyId(key: Uint8Array): Buffer {
  return hash('sha256', key, 'buffer').subarray(0, RECORD_KEY_ID_BYTES);
}

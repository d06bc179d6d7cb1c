import {
  type Crypto,
  digestOf,
  type Envelope,
  fromBase64,
  hex,
  type JsonValue,
  parseEnvelope,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import { LedgerError } from '../errors.ts';

export interface OpenedStatement {
  readonly envelope: Envelope;
  readonly statement: JsonValue;
  /** Base64, the first one. */
  readonly signature: string;
}

/** What a stored envelope says, held against the digest it was stored under. Its signature is for the reader to check. */
export function openStored(
  crypto: Crypto,
  index: number,
  bytes: Uint8Array,
  digest: Uint8Array,
): OpenedStatement {
  try {
    const envelope = parseEnvelope(parseJsonBytes(bytes));
    const payload = fromBase64(envelope.payload);
    if (digestOf(crypto, payload) !== hex(digest)) throw new Error('another digest');
    return { envelope, statement: parseJsonBytes(payload), signature: envelope.signatures[0]?.sig ?? '' };
  } catch {
    throw corrupt(`the statement at index ${index} is not the one that was stored`);
  }
}

export function corrupt(what: string): LedgerError {
  return new LedgerError('LEDGER_CORRUPT', `${what}; restore the ledger database from a backup`);
}

import type { ScannedStatement } from '@provability-fabric/evidence';
import { type Envelope, fromBase64, parseEnvelope, parseJsonBytes } from '@provability-fabric/kernel';
import { type ChainedStatement, decodeChained } from '@provability-fabric/statements';

/** The statement in an envelope of the log, which was held against the log's leaf when it was read. */
export function decodeScanned({ envelope }: Pick<ScannedStatement, 'envelope'>): ChainedStatement {
  return decodeEnvelope(parseEnvelope(parseJsonBytes(envelope)));
}

export function decodeEnvelope({ payloadType, payload }: Envelope): ChainedStatement {
  return decodeChained(payloadType, fromBase64(payload));
}

import { concatBytes } from '../bytes/concat.ts';
import { utf8 } from '../bytes/utf8.ts';

/**
 * What a DSSE signature is over: "DSSEv1" SP LEN(type) SP type SP LEN(payload) SP payload, lengths in bytes.
 * The lengths fix the borders: no other type and payload have these bytes.
 */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = utf8(payloadType);
  return concatBytes(utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `), payload);
}

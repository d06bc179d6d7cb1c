// DSSE (secure-systems-lab/dsse, protocol v1.0): a payload, its type, and who signed both.
import { base64, fromBase64 } from '../bytes/base64.ts';
import type { Crypto } from '../digest/crypto.ts';
import { verifySignature } from '../digest/ed25519.ts';
import { BytesError, EnvelopeError } from '../errors.ts';
import { canonicalBytes } from '../json/canonical.ts';
import { CanonicalWriter } from '../json/canonical-writer.ts';
import { isJsonObject, type JsonObject, type JsonValue, quoteKey } from '../json/value.ts';
import { preAuthEncoding } from './pre-auth-encoding.ts';

// Every signature by a known key costs a verification; nobody honest sends more.
const MAX_SIGNATURES = 64;

export interface Envelope {
  readonly payloadType: string;
  /** In base64. */
  readonly payload: string;
  readonly signatures: readonly EnvelopeSignature[];
}

export interface EnvelopeSignature {
  /** A hint which key to try; not signed, so never a reason to trust. */
  readonly keyid: string;
  readonly sig: string;
}

export interface EnvelopeSigner {
  readonly keyid: string;
  sign(message: Uint8Array): Uint8Array;
}

export function sealEnvelope(
  payloadType: string,
  payload: Uint8Array,
  signers: readonly EnvelopeSigner[],
): Envelope {
  const message = preAuthEncoding(payloadType, payload);
  const signatures = signers.map((signer) => ({ keyid: signer.keyid, sig: base64(signer.sign(message)) }));
  return { payloadType, payload: base64(payload), signatures };
}

const sealed = new CanonicalWriter();

/** The bytes of an envelope that `sealEnvelope` makes, in one pass: a decision waits for this. */
export function sealedEnvelopeBytes(
  payloadType: string,
  payload: Uint8Array,
  signers: readonly EnvelopeSigner[],
): Uint8Array {
  const message = preAuthEncoding(payloadType, payload);
  const signatures = signers.map((signer) => ({ keyid: signer.keyid, sig: base64(signer.sign(message)) }));
  sealed.clear();
  sealed.ascii('{"payload":"');
  sealed.base64(payload);
  sealed.ascii('","payloadType":');
  sealed.value(payloadType);
  sealed.ascii(',"signatures":');
  sealed.value(signatures);
  sealed.ascii('}');
  return sealed.copy();
}

/** The canonical JSON of an envelope: what the log's leaf is computed over. */
export function envelopeBytes(envelope: Envelope): Uint8Array {
  const { payloadType, payload } = envelope;
  const signatures = envelope.signatures.map(({ keyid, sig }) => ({ keyid, sig }));
  return canonicalBytes({ payloadType, payload, signatures });
}

/** Reads an envelope; throws EnvelopeError ENVELOPE_MALFORMED, on an unknown field too. */
export function parseEnvelope(value: JsonValue): Envelope {
  const envelope = fields(value, 'an envelope', ['payload', 'payloadType', 'signatures']);
  const list = envelope.signatures;
  if (!Array.isArray(list)) throw malformed('expected a list of signatures');
  const signatures = (list as readonly JsonValue[]).map((item) => {
    const signature = fields(item, 'a signature', ['keyid', 'sig']);
    return { keyid: text(signature, 'keyid'), sig: encoded(signature, 'sig') };
  });
  return checkCount({
    payloadType: text(envelope, 'payloadType'),
    payload: encoded(envelope, 'payload'),
    signatures,
  });
}

/**
 * The payload of an envelope that one of the keys signed, and that key's id. Signatures by others are
 * ignored, but one that names a known key and does not verify fails the whole envelope. Throws EnvelopeError.
 */
export function openEnvelope(
  crypto: Crypto,
  envelope: Envelope,
  keys: ReadonlyMap<string, Uint8Array>,
): { payload: Uint8Array; keyid: string } {
  checkCount(envelope);
  const payload = decode(envelope.payload, 'payload');
  const message = preAuthEncoding(envelope.payloadType, payload);
  let verified: string | undefined;
  for (const { keyid, sig } of envelope.signatures) {
    const key = keys.get(keyid);
    if (key === undefined) continue;
    if (!verifySignature(crypto, key, message, decode(sig, 'sig'))) {
      throw new EnvelopeError(
        'ENVELOPE_BAD_SIGNATURE',
        `expected a valid signature by ${quoteKey(keyid)}: payload, type or signature was changed`,
      );
    }
    verified ??= keyid;
  }
  if (verified === undefined) {
    throw new EnvelopeError(
      'ENVELOPE_UNKNOWN_KEY',
      'expected a signature by a known key, got none; add its public key',
    );
  }
  return { payload, keyid: verified };
}

function checkCount(envelope: Envelope): Envelope {
  const count = envelope.signatures.length;
  if (count === 0 || count > MAX_SIGNATURES) {
    throw malformed(`expected 1 to ${MAX_SIGNATURES} signatures, got \`${count}\``);
  }
  return envelope;
}

function fields(value: JsonValue, what: string, names: readonly string[]): JsonObject {
  if (!isJsonObject(value)) throw malformed(`expected ${what} as an object`);
  for (const key of Object.keys(value)) {
    if (!names.includes(key))
      throw malformed(`expected ${what} with only ${names.join(', ')}, got ${quoteKey(key)}`);
  }
  for (const name of names) {
    if (!Object.hasOwn(value, name)) throw malformed(`expected ${what} with \`${name}\`, got none`);
  }
  return value;
}

function text(object: JsonObject, name: string): string {
  const value = object[name];
  if (typeof value !== 'string') throw malformed(`expected a text as \`${name}\``);
  return value;
}

function encoded(object: JsonObject, name: string): string {
  const value = text(object, name);
  decode(value, name);
  return value;
}

function decode(value: string, name: string): Uint8Array {
  try {
    return fromBase64(value);
  } catch (error) {
    if (!(error instanceof BytesError)) throw error;
    throw malformed(`expected standard base64 with padding as \`${name}\``);
  }
}

function malformed(message: string): EnvelopeError {
  return new EnvelopeError('ENVELOPE_MALFORMED', message);
}

import {
  BytesError,
  type Envelope,
  EnvelopeError,
  equalBytes,
  field,
  fromBase64,
  JsonError,
  type JsonValue,
  parseEnvelope,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';
import { type BoundManifest, MANIFEST_PAYLOAD_TYPE } from '../manifest/manifest.ts';
import { manifestBytes, parseBoundManifest } from '../manifest/parse-manifest.ts';

/** More than any manifest within its limits, every character of it escaped. */
const MAX_PAYLOAD_CHARACTERS = 8 * 1024 * 1024;

/** Deeper than any manifest. */
const MAX_DEPTH = 8;

/** Reads an envelope for a manifest, without looking into it. Throws ENVELOPE_INVALID. */
export function readEnvelope(value: JsonValue): Envelope {
  if (field(value, 'payload_b64') !== undefined || field(value, 'sig_b64') !== undefined)
    throw invalid(
      'expected a DSSE envelope, came the older form `payload_b64, sig_b64, pubkey_id`, which binds neither tree nor policy ' +
        'nor time; sign its manifest anew with `safeai sign`',
    );
  const envelope = parsed(value);
  if (envelope.payloadType !== MANIFEST_PAYLOAD_TYPE)
    throw invalid(`expected the payload type \`${MANIFEST_PAYLOAD_TYPE}\`, came another`);
  if (envelope.payload.length > MAX_PAYLOAD_CHARACTERS)
    throw invalid(`expected at most ${MAX_PAYLOAD_CHARACTERS} characters of payload`);
  return envelope;
}

function parsed(value: JsonValue): Envelope {
  try {
    return parseEnvelope(value);
  } catch (cause) {
    if (!(cause instanceof EnvelopeError)) throw cause;
    throw invalid(cause.message, cause);
  }
}

export function payloadOf({ payload }: Envelope): Uint8Array {
  try {
    return fromBase64(payload);
  } catch (cause) {
    if (!(cause instanceof BytesError)) throw cause;
    throw invalid('expected the payload in base64', cause);
  }
}

/**
 * The manifest of a payload that has exactly its canonical bytes: one manifest has one hash, and no second spelling is signed.
 * Throws ENVELOPE_INVALID, MANIFEST_INVALID.
 */
export function manifestOfPayload(bytes: Uint8Array): BoundManifest {
  const manifest = parseBoundManifest(jsonOf(bytes));
  if (!equalBytes(manifestBytes(manifest), bytes))
    throw invalid(
      'expected the payload to be the canonical JSON of its manifest, every list written, came another spelling; sign it with ' +
        '`safeai sign`',
    );
  return manifest;
}

function jsonOf(bytes: Uint8Array): JsonValue {
  try {
    return parseJsonBytes(bytes, { maxDepth: MAX_DEPTH });
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw invalid(`payload: ${cause.message}`, cause);
  }
}

function invalid(message: string, cause?: unknown): GovernorError {
  return new GovernorError('ENVELOPE_INVALID', message, { cause });
}

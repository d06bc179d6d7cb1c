import {
  BytesError,
  canonicalBytes,
  EnvelopeError,
  equalBytes,
  field,
  JsonError,
  type JsonValue,
  MAX_JSON_DEPTH,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import {
  EVIDENCE_FORMAT,
  type EvidenceExport,
  parseEvidenceExport,
  StatementError,
} from '@provability-fabric/statements';
import { shorten } from './difference.ts';
import type { Failures } from './failure.ts';
import { InvalidInput } from './invalid-input.ts';

/**
 * The content of an evidence file. It must be exactly the canonical JSON of what it says, so that no byte of
 * it is left to choice. Throws InvalidInput for what is no evidence file at all.
 */
export function readEvidence(bytes: Uint8Array, failures: Failures): EvidenceExport | undefined {
  const value = json(bytes);
  const format = field(value, 'format');
  if (typeof format !== 'string' || !format.startsWith(FAMILY)) {
    throw new InvalidInput(
      `expected an evidence file, with \`format\` \`${EVIDENCE_FORMAT}\`; export one first`,
    );
  }
  if (format !== EVIDENCE_FORMAT) {
    failures.add('FORMAT', null, `expected format \`${EVIDENCE_FORMAT}\`, came \`${shorten(format)}\``);
    return undefined;
  }
  verifyCanonical(bytes, value, failures);
  try {
    return parseEvidenceExport(value);
  } catch (error) {
    if (!(error instanceof StatementError || error instanceof EnvelopeError || error instanceof BytesError))
      throw error;
    failures.add('FORMAT', null, error.message);
    return undefined;
  }
}

const FAMILY = EVIDENCE_FORMAT.slice(0, EVIDENCE_FORMAT.lastIndexOf('/') + 1);

function json(bytes: Uint8Array): JsonValue {
  try {
    // Records carry arguments as deep as the reader of requests takes them, and the file wraps them deeper still.
    return parseJsonBytes(bytes, { maxDepth: MAX_JSON_DEPTH });
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new InvalidInput(`expected an evidence file in JSON: ${error.message}`, { cause: error });
  }
}

function verifyCanonical(bytes: Uint8Array, value: JsonValue, failures: Failures): void {
  const canonical = canonicalBytes(value);
  if (equalBytes(bytes, canonical)) return;
  let at = 0;
  while (at < bytes.length && bytes[at] === canonical[at]) at += 1;
  const message = `expected the canonical JSON (RFC 8785) of its content, came other bytes from offset ${at} on`;
  failures.add('NOT_CANONICAL', null, message);
}

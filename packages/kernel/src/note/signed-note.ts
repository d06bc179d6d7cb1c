// C2SP signed-note: a text, a blank line, and lines `— name base64(key hash ‖ signature)`.
import { base64, fromBase64 } from '../bytes/base64.ts';
import { concatBytes } from '../bytes/concat.ts';
import { utf8 } from '../bytes/utf8.ts';
import type { Crypto } from '../digest/crypto.ts';
import { verifySignature } from '../digest/ed25519.ts';
import { BytesError, NoteError } from '../errors.ts';
import { isNoteName, requireNoteText } from './text.ts';
import { keyHashBytes, type NoteVerifier, readKeyHash } from './verifier-key.ts';

// A stranger's note may be large; both bounds are those of Go's implementation.
const MAX_NOTE_LENGTH = 1_000_000;
const MAX_SIGNATURES = 100;

const SIGNATURE_MARK = '\u2014 ';

export interface NoteSigner {
  readonly name: string;
  readonly keyHash: number;
  sign(message: Uint8Array): Uint8Array;
}

/** Signs a text, which ends in a newline; throws NoteError NOTE_MALFORMED. */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  requireNoteText(text);
  const message = utf8(text);
  let note = `${text}\n`;
  for (const signer of signers) {
    if (!isNoteName(signer.name)) {
      throw new NoteError(
        'NOTE_MALFORMED',
        'expected a signer name without white space, control characters or plus',
      );
    }
    const signature = concatBytes(keyHashBytes(signer.keyHash), signer.sign(message));
    note += `${SIGNATURE_MARK}${signer.name} ${base64(signature)}\n`;
  }
  return note;
}

export interface OpenedNote {
  readonly text: string;
  /** In the order of the verifiers given, each once. */
  readonly verified: readonly NoteVerifier[];
}

/**
 * The text of a note that at least one of the verifiers signed. Signatures by others are ignored (a log
 * gathers witnesses that we need not know), but one that claims a known key and does not verify fails the
 * whole note.
 */
export function openNote(crypto: Crypto, note: string, verifiers: readonly NoteVerifier[]): OpenedNote {
  const { text, signatures } = splitNote(note);
  const message = utf8(text);
  const verified = new Set<NoteVerifier>();
  for (const { name, keyHash, signature } of signatures) {
    const known = verifiers.filter((verifier) => verifier.name === name && verifier.keyHash === keyHash);
    if (known.length === 0) continue;
    // Four bytes can collide: any of the keys of that name and hash may have signed.
    const signer = known.find((key) => verifySignature(crypto, key.publicKey, message, signature));
    if (signer === undefined) {
      throw new NoteError(
        'NOTE_BAD_SIGNATURE',
        `expected a valid signature by \`${name}\`: the note was changed`,
      );
    }
    verified.add(signer);
  }
  if (verified.size === 0) {
    throw new NoteError(
      'NOTE_UNVERIFIED',
      'expected a signature by a known key, got none; add its verifier key',
    );
  }
  return { text, verified: verifiers.filter((verifier) => verified.has(verifier)) };
}

interface SignatureLine {
  readonly name: string;
  readonly keyHash: number;
  readonly signature: Uint8Array;
}

function splitNote(note: string): { text: string; signatures: readonly SignatureLine[] } {
  if (note.length > MAX_NOTE_LENGTH) {
    throw new NoteError('NOTE_MALFORMED', `expected a note of at most ${MAX_NOTE_LENGTH} characters`);
  }
  requireNoteText(note);
  const blank = note.lastIndexOf('\n\n'); // the text may hold blank lines of its own
  if (blank < 0) throw new NoteError('NOTE_MALFORMED', 'expected a blank line before the signatures');
  const lines = note.slice(blank + 2).split('\n');
  lines.pop(); // what follows the last newline
  if (lines.length === 0) throw new NoteError('NOTE_MALFORMED', 'expected a signature, got none');
  if (lines.length > MAX_SIGNATURES) {
    throw new NoteError(
      'NOTE_MALFORMED',
      `expected at most ${MAX_SIGNATURES} signatures, got \`${lines.length}\``,
    );
  }
  return { text: note.slice(0, blank + 1), signatures: lines.map(readSignatureLine) };
}

function readSignatureLine(line: string): SignatureLine {
  const rest = line.startsWith(SIGNATURE_MARK) ? line.slice(SIGNATURE_MARK.length) : '';
  const space = rest.indexOf(' ');
  const name = rest.slice(0, Math.max(space, 0));
  const bytes = isNoteName(name) ? decodeSignature(rest.slice(space + 1)) : undefined;
  if (bytes === undefined || bytes.length < 5) {
    throw new NoteError('NOTE_MALFORMED', 'expected signature lines of the form `— name base64`');
  }
  return { name, keyHash: readKeyHash(bytes), signature: bytes.subarray(4) };
}

function decodeSignature(text: string): Uint8Array | undefined {
  try {
    return fromBase64(text);
  } catch (error) {
    if (error instanceof BytesError) return undefined;
    throw error;
  }
}

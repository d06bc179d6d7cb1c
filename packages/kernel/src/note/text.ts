import { isWellFormed } from '../bytes/well-formed.ts';
import { NoteError } from '../errors.ts';

// Everything but control characters, plus, and the White_Space characters of Unicode, written out: `\s`
// follows the engine's Unicode version, and a verdict must not.
const NAME =
  /^[!-*,-~\u00a1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e\u2060-\u2fff\u3001-\uffff]+$/;

/**
 * A key name: not empty, no white space or control character, no plus (which separates the parts of a
 * verifier key).
 */
export function isNoteName(name: string): boolean {
  return NAME.test(name) && isWellFormed(name);
}

/** What may be signed: Unicode text that ends in a newline, without other control characters below U+0020. */
export function requireNoteText(text: string): void {
  if (!text.endsWith('\n'))
    throw new NoteError('NOTE_MALFORMED', 'expected a note text that ends in a newline');
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 && code !== 0x0a) {
      throw new NoteError(
        'NOTE_MALFORMED',
        `expected no control character but newline, got one at offset ${i}`,
      );
    }
  }
  if (!isWellFormed(text))
    throw new NoteError('NOTE_MALFORMED', 'expected Unicode text, got a lone surrogate');
}

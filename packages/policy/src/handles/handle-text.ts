/** 160 random bits: nobody guesses one. */
export const HANDLE_BYTES = 20;

const PREFIX = 'pfh1_';
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const HANDLE = /^pfh1_[a-z2-7]{32}$/;

/** The text of a handle: of one size, whatever it stands for. */
export function formatHandle(random: Uint8Array): string {
  if (random.length !== HANDLE_BYTES) {
    throw new RangeError(`expected ${HANDLE_BYTES} random bytes for a handle, came ${random.length}`);
  }
  let text = PREFIX;
  let bits = 0;
  let held = 0;
  for (const byte of random) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return text;
}

export function isHandle(text: string): boolean {
  return HANDLE.test(text);
}

/** Whether a text wants to be one, or holds one: only a whole handle stands for anything. */
export function looksLikeHandle(text: string): boolean {
  return text.includes(PREFIX);
}

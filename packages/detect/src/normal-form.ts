/** Of ASCII; 0: a separator, dropped; else what the code unit counts as. */
export const ASCII = new Uint8Array(128);
for (let code = 0x21; code < 0x7f; code += 1) ASCII[code] = code;
for (let code = 0x41; code <= 0x5a; code += 1) ASCII[code] = code + 0x20;
// Both alphabets of base64 differ in these alone, and escapes of quotes are a backslash before them.
for (const separator of '-_.:,;|/+=\\"\'`') ASCII[separator.charCodeAt(0)] = 0;

/**
 * What a code unit counts as, in fingerprints and in what is held against them: no difference of case, none of the two
 * alphabets of base64, nothing that can be put between characters without being seen. 0: it does not count.
 */
export function normalCode(code: number): number {
  return code < 128 ? (ASCII[code] as number) : isWideSeparator(code) ? 0 : code;
}

/** The code units of a text that count. */
export function normalCodes(text: string): Uint16Array {
  const codes = new Uint16Array(text.length);
  let length = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = normalCode(text.charCodeAt(index));
    if (code !== 0) codes[length++] = code;
  }
  return codes.subarray(0, length);
}

/** Spaces, dashes and what has no width, of Unicode; a list of its own, so that no engine's table decides. */
function isWideSeparator(code: number): boolean {
  if (code < 0x2000) return code <= 0xa0 || code === 0xad || code === 0x1680 || code === 0x180e;
  if (code <= 0x206f) return code <= 0x2015 || (code >= 0x2028 && code <= 0x202f) || code >= 0x205f;
  return code === 0x2212 || code === 0x3000 || (code >= 0xfe00 && code <= 0xfe0f) || code === 0xfeff;
}

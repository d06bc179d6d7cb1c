/**
 * Two independent 32-bit hashes of a stretch of text: of 10^6 entries, a stranger is taken for one of them about once in
 * 10^13. One object serves a whole text, since there are as many stretches as characters.
 */
export class Fingerprint {
  first = 0;
  second = 0;

  /** Of UTF-16 units. */
  of(codes: ArrayLike<number>, start: number, end: number): this {
    let first = 0x811c9dc5 ^ (end - start);
    let second = 0x9747b28c ^ (end - start);
    for (let index = start; index < end; index += 1) {
      const code = codes[index] as number;
      first = Math.imul(first ^ code, 0x01000193);
      second = Math.imul(second ^ code, 0x5bd1e995);
      second ^= second >>> 15;
    }
    this.first = mixed(first);
    this.second = mixed(second);
    return this;
  }

  /** Of a normal form, apart from every stretch of text: forms begin with what squeezing drops. */
  ofForm(form: string): this {
    const codes = [0x3a];
    for (let index = 0; index < form.length; index += 1) codes.push(form.charCodeAt(index));
    return this.of(codes, 0, codes.length);
  }
}

function mixed(hash: number): number {
  let mix = hash ^ (hash >>> 16);
  mix = Math.imul(mix, 0x85ebca6b);
  mix ^= mix >>> 13;
  mix = Math.imul(mix, 0xc2b2ae35);
  return (mix ^ (mix >>> 16)) >>> 0;
}

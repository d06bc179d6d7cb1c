/** A source file and the way from offsets in it to lines. */
export class SourceText {
  constructor(
    readonly path: string,
    readonly text: string,
  ) {}

  position(index: number): { readonly line: number; readonly column: number } {
    const before = this.text.slice(0, index);
    const lineStart = before.lastIndexOf('\n') + 1;
    return { line: before.split('\n').length, column: index - lineStart + 1 };
  }

  /** cedar-wasm counts in bytes of UTF-8, JavaScript in units of UTF-16. */
  indexOfByte(offset: number): number {
    let bytes = 0;
    let index = 0;
    for (const character of this.text) {
      if (bytes >= offset) break;
      const code = character.codePointAt(0) ?? 0;
      bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      index += character.length;
    }
    return index;
  }
}

/** Reads a text, after what came before it. */
export type ReadText = (text: string, pointer: string) => void;

/** Of more names than these the texts are not joined by name. */
const MOST_NAMES = 64;
/** Of a long text only its ends can be parts of something split. */
const END = 256;

/**
 * Joins the texts of members that have one name: what is split over the blocks of a result has other texts between. What
 * stands within one text is found without this, so a name that comes once costs nothing.
 */
export class JoinedTexts {
  readonly #readerFor: () => ReadText;
  readonly #names = new Map<string, { first: string | undefined; read: ReadText | undefined }>();

  constructor(readerFor: () => ReadText) {
    this.#readerFor = readerFor;
  }

  add(name: string, text: string, pointer: string): void {
    const joined = this.#names.get(name);
    if (joined === undefined) {
      if (this.#names.size < MOST_NAMES) this.#names.set(name, { first: text, read: undefined });
      return;
    }
    joined.read ??= this.#readerFor();
    if (joined.first !== undefined) readEnds(joined.read, joined.first, pointer);
    joined.first = undefined;
    readEnds(joined.read, text, pointer);
  }
}

function readEnds(read: ReadText, text: string, pointer: string): void {
  const isLong = text.length > END * 2;
  read(isLong ? text.slice(0, END) : text, pointer);
  if (isLong) read(text.slice(-END), pointer);
}

import { type Crypto, isJsonObject, type JsonValue } from '@provability-fabric/kernel';
import { textOfBytes, unescaped } from './escapes.ts';
import { type Fingerprints, SHORTEST, WINDOW } from './fingerprints.ts';
import { JoinedTexts, type ReadText } from './joined-texts.ts';
import { hashTables } from './rolling-hash.ts';
import { type ReadingTools, WindowReader } from './window-reader.ts';

/** Where a piece of a secret stands. */
export interface Exposure {
  readonly name: string;
  /** JSON pointer to the text that the piece ends in; it may hold what the piece is of, so it is for no record. */
  readonly pointer: string;
}

/** Nobody has to be told of more. */
const MOST = 16;
/** Layers of escapes: JSON within JSON within a URL. */
const LAYERS = 2;

/** Finds pieces of secrets; made once for a set of fingerprints. */
export class Scanner {
  readonly #isEmpty: boolean;
  readonly #readings: readonly ReadingTools[];

  constructor(crypto: Crypto, fingerprints: Fingerprints) {
    const { key, names, hasShort } = fingerprints;
    const widths = hasShort ? [WINDOW, SHORTEST] : [WINDOW];
    this.#isEmpty = names.length === 0;
    this.#readings = widths.map((width) => ({
      ...{ crypto, fingerprints, width },
      first: hashTables(crypto, key, 'first', width),
      second: hashTables(crypto, key, 'second', width),
    }));
  }

  /**
   * The pieces of secrets in a value, each secret once: in texts, names of members, numbers and lists of bytes, each also without up to two
   * layers of escapes. Texts that follow each other are read as one, and so are those of members of one name, and names: a
   * piece may be split over them.
   */
  findExposed(value: JsonValue): readonly Exposure[] {
    if (this.#isEmpty) return [];
    const found = new Map<string, string>();
    const [texts, keys, numbers] = [this.#layers(found), this.#layers(found), this.#layers(found)];
    const joined = new JoinedTexts(() => this.#layers(found));
    const bytes = (items: readonly JsonValue[], pointer: string): void => {
      if (items.length >= SHORTEST && items.every(isByte))
        texts(textOfBytes(Uint8Array.from(items)), pointer);
    };
    const visit = (part: JsonValue, pointer: string, name: string): void => {
      if (found.size >= MOST) return;
      if (typeof part === 'string') {
        texts(part, pointer);
        joined.add(name, part, pointer);
      } else if (typeof part === 'number' || typeof part === 'bigint') numbers(String(part), pointer);
      else if (Array.isArray(part)) {
        bytes(part as readonly JsonValue[], pointer);
        for (const [index, item] of (part as readonly JsonValue[]).entries())
          visit(item, `${pointer}/${index}`, name);
      } else if (isJsonObject(part)) {
        bytes(Object.values(part), pointer);
        for (const [key, member] of Object.entries(part)) {
          keys(key, pointer);
          visit(member, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, key);
        }
      }
    };
    visit(value, '', '');
    return [...found].map(([name, pointer]) => ({ name, pointer }));
  }

  /** Reads each text as it is, and beside it as it is without its escapes. */
  #layers(found: Map<string, string>): ReadText {
    const layers: WindowReader[][] = [];
    layers[0] = this.#readings.map((tools) => new WindowReader(tools, found));
    return (text, pointer) => {
      const written = [text];
      let plain = text;
      for (let layer = 1; layer <= LAYERS; layer += 1) {
        const inner = unescaped(plain);
        if (inner === undefined && layers[layer] === undefined) break;
        plain = inner ?? plain;
        written.push(plain);
        // What came before had no escapes, and may be the first part of what has some.
        layers[layer] ??= (layers[layer - 1] ?? []).map((reader) => reader.copy());
      }
      for (const [layer, each] of written.entries())
        for (const reader of layers[layer] ?? []) reader.read(each, pointer);
    };
  }
}

/** As JSON has what a program keeps in a buffer. */
function isByte(value: JsonValue): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255;
}

/** The pieces of secrets in a value. Where the same fingerprints serve for many values, keep the `Scanner`. */
export function findExposed(
  crypto: Crypto,
  fingerprints: Fingerprints,
  value: JsonValue,
): readonly Exposure[] {
  return new Scanner(crypto, fingerprints).findExposed(value);
}

import { nearestName } from '@provability-fabric/kernel';
import { isMap, isScalar, isSeq, type ParsedNode } from 'yaml';

/** Records a problem at a node and gives undefined, so that readers can end with it. */
export type Refuse = (node: ParsedNode | null, message: string) => undefined;

/** Reads one value; undefined after it has refused it. */
export type Read<Value> = (node: ParsedNode | null, refuse: Refuse) => Value | undefined;

const scalar = (node: ParsedNode | null): unknown =>
  isScalar(node) ? node.value : node === null ? null : {};

/** How a value is shown: a setting is no secret, but it may be long. */
function shown(value: unknown): string {
  return typeof value === 'object' && value !== null
    ? 'a list or mapping'
    : `\`${String(value).slice(0, 60)}\``;
}

export const flag: Read<boolean> = (node, refuse) => {
  const value = scalar(node);
  return typeof value === 'boolean' ? value : refuse(node, `expected true or false, came ${shown(value)}`);
};

export const wholeNumber =
  (least: number, most: number): Read<number> =>
  (node, refuse) => {
    const value = scalar(node);
    const fits = typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most;
    return fits
      ? value
      : refuse(node, `expected a whole number from ${least} to ${most}, came ${shown(value)}`);
  };

export const decimal =
  (least: number, most: number): Read<number> =>
  (node, refuse) => {
    const value = scalar(node);
    const fits = typeof value === 'number' && value >= least && value <= most;
    return fits ? value : refuse(node, `expected a number from ${least} to ${most}, came ${shown(value)}`);
  };

export const text =
  (longest: number, problemOf: (value: string) => string | undefined = () => undefined): Read<string> =>
  (node, refuse) => {
    const value = scalar(node);
    if (typeof value !== 'string' || value === '' || value.length > longest) {
      const expected = `expected text of 1 to ${longest} characters`;
      return refuse(
        node,
        typeof value === 'string' ? `${expected}, came ${value.length}` : `${expected}, came ${shown(value)}`,
      );
    }
    const problem = problemOf(value);
    return problem === undefined ? value : refuse(node, problem);
  };

export const oneOf =
  <Word extends string>(words: readonly Word[]): Read<Word> =>
  (node, refuse) => {
    const value = scalar(node);
    const known = words.find((word) => word === value);
    if (known !== undefined) return known;
    const near = typeof value === 'string' ? nearestName(value, words) : undefined;
    const mend = near === undefined ? '' : `; did you mean \`${near}\`?`;
    return refuse(node, `expected one of ${words.join(', ')}, came ${shown(value)}${mend}`);
  };

export const list =
  <Item>(item: Read<Item>, most: number): Read<readonly Item[]> =>
  (node, refuse) => {
    if (!isSeq(node))
      return refuse(node, `expected a list, came ${shown(scalar(node))}; begin each entry with \`- \``);
    if (node.items.length > most) {
      return refuse(node, `expected at most ${most} entries, came ${node.items.length}`);
    }
    const items = node.items.map((entry) => item(entry as ParsedNode, refuse));
    return items.some((entry) => entry === undefined) ? undefined : (items as Item[]);
  };

const DURATION = /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?$/;
const DURATION_UNITS = [86_400_000, 3_600_000, 60_000, 1000, 1];

/** `1h`, `90s`, `1h30m`, in ms. */
export const duration =
  (least: number, most: number): Read<number> =>
  (node, refuse) => {
    const value = scalar(node);
    const parts = typeof value === 'string' && value !== '' ? DURATION.exec(value) : null;
    const ms =
      parts && DURATION_UNITS.reduce((sum, unit, index) => sum + Number(parts[index + 1] ?? 0) * unit, 0);
    if (ms !== null && ms >= least && ms <= most) return ms;
    return refuse(
      node,
      `expected a duration such as \`90s\` or \`1h\` from ${least / 1000}s to ${most / 1000}s, came ${shown(value)}`,
    );
  };

const SIZE = /^(\d{1,12}) ?([kmg])?(?:i?b)?$/i;

/** Bytes as a number, or `512m`, `64KiB`, `1g`: powers of 1024, as container engines count. */
export const byteSize =
  (least: number, most: number): Read<number> =>
  (node, refuse) => {
    const value = scalar(node);
    const parts = typeof value === 'string' || typeof value === 'number' ? SIZE.exec(String(value)) : null;
    const power = parts ? ' kmg'.indexOf((parts[2] ?? ' ').toLowerCase()) : 0;
    const bytes = parts ? Number(parts[1]) * 1024 ** power : -1;
    if (bytes >= least && bytes <= most) return bytes;
    return refuse(
      node,
      `expected a size such as \`512m\` from ${least} to ${most} bytes, came ${shown(value)}`,
    );
  };

/** A mapping with these keys, each with its default. */
export const mapping =
  <Value extends object>(
    keys: {
      readonly [Key in keyof Value]: { readonly read: Read<Value[Key]>; readonly otherwise: Value[Key] };
    },
  ): Read<Value> =>
  (node, refuse) => {
    if (node !== null && !isMap(node) && scalar(node) !== null) {
      return refuse(node, `expected a mapping of keys to values, came ${shown(scalar(node))}`);
    }
    const names = Object.keys(keys);
    const value: Partial<Value> = {};
    for (const name of names) value[name as keyof Value] = keys[name as keyof Value].otherwise;
    let isWhole = true;
    const pairs = isMap(node) ? (node.items as { key: ParsedNode; value: ParsedNode | null }[]) : [];
    for (const { key, value: entry } of pairs) {
      const name = isScalar(key) ? String(key.value) : '';
      if (!names.includes(name)) {
        const near = nearestName(name, names);
        const mend = near === undefined ? `the keys are ${names.join(', ')}` : `did you mean \`${near}\`?`;
        refuse(key, `unknown key \`${name.slice(0, 80)}\`; ${mend}`);
        isWhole = false;
        continue;
      }
      const read = keys[name as keyof Value].read(entry, (at, message) =>
        refuse(at ?? key, `\`${name}\`: ${message}`),
      );
      if (read === undefined) isWhole = false;
      else value[name as keyof Value] = read;
    }
    return isWhole ? (value as Value) : undefined;
  };

/** `null`, as an empty value or written out, leaves a setting at what it is without it. */
export const optional =
  <Value>(read: Read<Value>): Read<Value | null> =>
  (node, refuse) =>
    scalar(node) === null ? null : read(node, refuse);

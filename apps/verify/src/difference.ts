import { canonicalJson, field, type JsonObject, type JsonValue } from '@provability-fabric/kernel';

const SHOWN = 120;

/**
 * The members in which `actual` is not what was expected, each in words; members that nobody expects do not
 * count.
 */
export function differences(expected: JsonObject, actual: JsonObject): readonly string[] {
  return Object.keys(expected)
    .filter((name) => shown(field(expected, name)) !== shown(field(actual, name)))
    .map((name) => {
      const [wanted, came] = [field(expected, name), field(actual, name)].map((value) =>
        shorten(shown(value)),
      );
      return `\`${name}\`: expected ${wanted}, came ${came}`;
    });
}

/** The members of `actual` that nobody expects. */
export function strangers(expected: JsonObject, actual: JsonObject): readonly string[] {
  return Object.keys(actual)
    .filter((name) => !Object.hasOwn(expected, name))
    .map((name) => `no \`${shorten(name)}\``);
}

function shown(value: JsonValue | undefined): string {
  return value === undefined ? 'nothing' : canonicalJson(value);
}

/** A file may hold megabytes where a word was expected. */
export function shorten(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

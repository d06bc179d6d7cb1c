import {
  type Crypto,
  canonicalJson,
  digestJson,
  isJsonObject,
  type JsonValue,
} from '@provability-fabric/kernel';

/** How a value is shown: what it is, or only of what kind and how long. */
export type Shown = (value: JsonValue) => string;

const MOST_SHOWN = 2_000;
const DIGEST_DIGITS = 8;

export function shownValue(crypto: Crypto, showValues: boolean): Shown {
  if (showValues)
    return (value) => {
      const text = canonicalJson(value);
      return text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN)}… (${text.length} characters)`;
    };
  return (value) => {
    const { kind, length, digest } = hiddenValue(crypto, value);
    return `${kind}${length === null ? '' : ` of ${length}`}, sha256 ${digest}…`;
  };
}

/** What is said of a value that is not shown. */
export function hiddenValue(crypto: Crypto, value: JsonValue) {
  const digest = digestJson(crypto, value).slice(0, DIGEST_DIGITS);
  if (typeof value === 'string') return { kind: 'text', length: value.length, digest };
  if (Array.isArray(value)) return { kind: 'list', length: value.length, digest };
  if (isJsonObject(value)) return { kind: 'object', length: Object.keys(value).length, digest };
  return {
    kind: value === null ? 'null' : typeof value === 'boolean' ? 'boolean' : 'number',
    length: null,
    digest,
  };
}

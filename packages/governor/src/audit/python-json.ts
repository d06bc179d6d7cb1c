import { isJsonObject, type JsonValue } from '@provability-fabric/kernel';

/**
 * What Python's `json.dumps(value, sort_keys=True)` gives, byte by byte: the original's chain hashes that. For texts, whole
 * numbers, booleans, null, lists and objects; names are compared by their code units, which for ASCII is Python's order.
 */
export function pythonJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (isJsonObject(value)) {
    const members = Object.keys(value)
      .sort()
      .map((name) => `${pythonText(name)}: ${pythonJson(value[name] as JsonValue)}`);
    return `{${members.join(', ')}}`;
  }
  if (typeof value === 'string') return pythonText(value);
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw new TypeError(`expected a whole number, came \`${value}\``);
  return String(value);
}

function pythonText(text: string): string {
  // Python escapes DEL and everything beyond ASCII, JavaScript neither.
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

import { field, isJsonObject, type JsonObject } from '@provability-fabric/kernel';
import { PfctlError } from '../errors.ts';

/** One field of a secret that was read. */
export function fieldText(secret: JsonObject, wanted: string): string {
  const value = field(secret, 'value');
  const text = field(value, wanted);
  if (typeof text === 'string') return text;
  const names = isJsonObject(value) ? Object.keys(value).map((name) => `\`${name}\``) : [];
  throw new PfctlError('INPUT_INVALID', `expected a field out of ${names.join(', ')}, came \`${wanted}\``);
}

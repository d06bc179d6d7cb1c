import { CommandError } from '@provability-fabric/command-line';
import { field, isJsonObject, type JsonObject } from '@provability-fabric/kernel';

/** One field of a secret that was read. */
export function fieldText(secret: JsonObject, wanted: string): string {
  const value = field(secret, 'value');
  const text = field(value, wanted);
  if (typeof text === 'string') return text;
  const names = isJsonObject(value) ? Object.keys(value).map((name) => `\`${name}\``) : [];
  throw new CommandError('INPUT_INVALID', `expected a field out of ${names.join(', ')}, came \`${wanted}\``);
}

/** Where agents may have a secret used that they do not get to see. */
export interface SecretRule {
  /** A secret's name, or `prefix/*` for all below a prefix. */
  readonly name: string;
  /** Ascending. */
  readonly tools: readonly string[];
  /** Pointers into the arguments, `*` for every element; ascending. */
  readonly parameters: readonly string[];
  /** Whose agents: of these ids, or with one of these roles; both null: everybody who may call the tool. */
  readonly principals: readonly string[] | null;
  readonly roles: readonly string[] | null;
  /** Whether a reference may stand within a longer text. */
  readonly embedded: boolean;
}

/** As the store of secrets has them (packages/secrets). */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,126}(?:\/[A-Za-z0-9][A-Za-z0-9._-]{0,126}){0,15}$/;
const MAX_NAME_LENGTH = 255;

export function isSecretName(text: string): boolean {
  return text.length <= MAX_NAME_LENGTH && NAME.test(text) && !text.includes('..');
}

/** A name, or all names below one. */
export function isSecretPattern(text: string): boolean {
  return isSecretName(text.endsWith('/*') ? text.slice(0, -2) : text);
}

export function coversName(pattern: string, name: string): boolean {
  return pattern.endsWith('/*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

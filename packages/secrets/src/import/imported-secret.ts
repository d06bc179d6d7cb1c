import { SecretError } from '../errors.ts';
import { asSecretName, type SecretName } from '../names.ts';
import { fieldsOf } from '../providers/fabric-note.ts';
import type { SecretValue } from '../value.ts';

export interface ImportedSecret {
  readonly name: SecretName;
  readonly value: SecretValue;
}

export interface ImportNames {
  /** For an export of one secret that does not say its name. */
  readonly name?: string;
  /** What the names in the export begin with and ours do not, like `secret/data/production/tenants/acme/`. */
  readonly strip?: string;
}

const MOST_BYTES = 67_108_864;
const MOST_SECRETS = 100_000;

/** Collects what an export holds: all of it under names of their own, or nothing. */
export class Import {
  readonly #names: ImportNames;
  readonly #secrets = new Map<string, ImportedSecret>();

  constructor(names: ImportNames) {
    this.#names = names;
  }

  add(path: string, fields: Readonly<Record<string, unknown>>): void {
    const name = this.#nameOf(path);
    if (this.#secrets.has(name)) throw invalid(`the secret \`${name}\` once, it is there twice`);
    if (this.#secrets.size >= MOST_SECRETS) throw invalid(`at most ${MOST_SECRETS} secrets`);
    this.#secrets.set(name, { name, value: this.#valueOf(name, fields) });
  }

  /** Of a secret whose export does not tell its name. */
  addUnnamed(fields: Readonly<Record<string, unknown>>): void {
    const { name } = this.#names;
    if (name === undefined) throw invalid('a name for the secret, since its export has none; give one');
    this.add(name, fields);
  }

  /** Ascending by name. Throws SECRET_REQUEST_INVALID where nothing was found: that is hardly what was meant. */
  all(): readonly ImportedSecret[] {
    if (this.#secrets.size === 0) throw invalid('at least one secret, there is none');
    return [...this.#secrets.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #nameOf(path: string): SecretName {
    const { strip = '' } = this.#names;
    const name = path.startsWith(strip) ? path.slice(strip.length) : path;
    try {
      return asSecretName(name.replace(/^\/+|\/+$/g, ''));
    } catch (cause) {
      throw new SecretError(
        'SECRET_NAME_INVALID',
        `expected names like \`db/primary\` in the export, got another as its entry \`${this.#secrets.size + 1}\`; rename it ` +
          'there, or give what its names begin with and ours do not',
        { cause },
      );
    }
  }

  #valueOf(name: string, fields: Readonly<Record<string, unknown>>): SecretValue {
    try {
      return fieldsOf(fields);
    } catch (cause) {
      const why = cause instanceof SecretError ? cause.message : 'it cannot be told why';
      throw new SecretError('SECRET_VALUE_INVALID', `of the secret \`${name}\`: ${why}`, { cause });
    }
  }
}

/** Throws SECRET_REQUEST_INVALID; the message repeats nothing of the text, which is full of secrets. */
export function parseExport(text: string): unknown {
  if (text.length > MOST_BYTES) throw invalid(`at most ${MOST_BYTES} bytes`);
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('JSON');
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function invalid(expected: string): SecretError {
  return new SecretError('SECRET_REQUEST_INVALID', `expected of the export: ${expected}`);
}

import {
  Import,
  type ImportedSecret,
  type ImportNames,
  invalid,
  isObject,
  parseExport,
} from './imported-secret.ts';

/** Where a secret is a plain text. */
const ONLY_FIELD = 'value';

/**
 * What `aws secretsmanager get-secret-value` or `batch-get-secret-value` prints, or a list of that. A text that is no JSON
 * object becomes the field `value`.
 */
export function readAwsExport(text: string, names: ImportNames = {}): readonly ImportedSecret[] {
  const found = new Import(names);
  const parsed = parseExport(text);
  for (const printed of Array.isArray(parsed) ? parsed : [parsed])
    for (const entry of entriesOf(printed)) {
      if (!isObject(entry) || typeof entry.Name !== 'string') throw invalid('each secret with its `Name`');
      if (typeof entry.SecretString !== 'string')
        throw invalid('each secret with its `SecretString`; what is binary is not imported');
      found.add(entry.Name, fieldsIn(entry.SecretString));
    }
  return found.all();
}

/** A batch names what it could not read: an import that leaves it out would look whole. */
function entriesOf(printed: unknown): readonly unknown[] {
  if (!isObject(printed) || !('SecretValues' in printed)) return [printed];
  const { SecretValues, Errors } = printed;
  if (Array.isArray(Errors) && Errors.length > 0)
    throw invalid(`a batch without errors, got \`${Errors.length}\`; mend them and export again`);
  if (!Array.isArray(SecretValues)) throw invalid('`SecretValues` to be a list');
  return SecretValues;
}

function fieldsIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (isObject(parsed)) return parsed;
  } catch {
    // A plain text, which most passwords are.
  }
  return { [ONLY_FIELD]: text };
}

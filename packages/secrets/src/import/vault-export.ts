import {
  Import,
  type ImportedSecret,
  type ImportNames,
  invalid,
  isObject,
  parseExport,
} from './imported-secret.ts';

/**
 * What `vault kv get -format=json` prints: one, which has no name; or a list of `{"path": …, …}`; or an object of them by
 * path. In place of what is printed the fields alone may stand.
 */
export function readVaultExport(text: string, names: ImportNames = {}): readonly ImportedSecret[] {
  const found = new Import(names);
  const parsed = parseExport(text);
  if (Array.isArray(parsed)) {
    for (const entry of parsed) {
      if (!isObject(entry)) throw invalid('a list of objects');
      const path = entry.path ?? entry.name;
      if (typeof path === 'string') found.add(path, fieldsIn(entry));
      else if (parsed.length === 1) found.addUnnamed(fieldsIn(entry));
      else throw invalid('each of several secrets with its `path`');
    }
  } else if (!isObject(parsed)) throw invalid('an object or a list');
  else if (isPrinted(parsed)) found.addUnnamed(fieldsIn(parsed));
  else
    for (const [path, entry] of Object.entries(parsed)) {
      if (!isObject(entry)) throw invalid('an object of secrets by their paths');
      found.add(path, isPrinted(entry) ? fieldsIn(entry) : entry);
    }
  return found.all();
}

/** KV version 2 has the fields within `data.data`, version 1 within `data`. */
function fieldsIn(entry: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { data } = entry;
  if (!isObject(data)) throw invalid('`data` in what `vault kv get -format=json` prints');
  if (!('metadata' in data) || !('data' in data)) return data;
  if (!isObject(data.data)) throw invalid('secrets that are not deleted');
  return data.data;
}

function isPrinted(entry: Readonly<Record<string, unknown>>): boolean {
  const { data } = entry;
  return isObject(data) && ('request_id' in entry || ('data' in data && 'metadata' in data));
}

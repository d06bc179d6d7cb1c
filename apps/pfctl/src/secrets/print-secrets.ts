import { facts, type Style, table, visible } from '@provability-fabric/command-line';
import { field, isJsonObject, type JsonObject, type JsonValue } from '@provability-fabric/kernel';

const VERSION_COLUMNS = ['version', 'id', 'state', 'created_at', 'created_by', 'description'];
const VERSION_HEADER = ['version', 'id', 'state', 'made', 'by', 'description'];
const ACCESS_COLUMNS = ['at', 'principal', 'action', 'secret', 'version', 'result', 'error_code'];
const ACCESS_HEADER = ['at', 'principal', 'action', 'secret', 'version', 'result', 'error', 'attested'];

export function printVersions(versions: readonly JsonValue[], style: Style): string {
  return table(VERSION_HEADER, rowsOf(versions, VERSION_COLUMNS), style);
}

export function printChanges(compared: JsonObject, style: Style): string {
  const changes = (field(compared, 'changes') ?? []) as readonly JsonValue[];
  if (changes.length === 0) return 'no field differs\n';
  return table(['field', 'change'], rowsOf(changes, ['field', 'change']), style);
}

/** Attested: a signed statement in the ledger says the same. */
export function printAccesses(accesses: readonly JsonValue[], style: Style): string {
  if (accesses.length === 0) return 'there are none\n';
  const rows = accesses.map((one) => [
    ...ACCESS_COLUMNS.map((column) => word(field(one, column))),
    field(one, 'statement_digest') === null ? 'no' : 'yes',
  ]);
  return table(ACCESS_HEADER, rows, style);
}

/** A version that was just made. */
export function printMade(name: string, said: JsonObject): string {
  const version = field(said, 'version');
  return `${visible(name)}: version ${word(field(version, 'version'))} (${word(field(version, 'id'))})\n`;
}

/** An object of the service, a line a member. */
export function printFacts(said: JsonObject): string {
  return facts(
    Object.entries(said).map(([name, value]) => [
      name.replaceAll('_', ' '),
      isJsonObject(value) || Array.isArray(value) ? JSON.stringify(value) : word(value),
    ]),
  );
}

function rowsOf(items: readonly JsonValue[], columns: readonly string[]): string[][] {
  return items.map((one) => columns.map((column) => word(field(one, column))));
}

function word(value: JsonValue | undefined): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? `${value}`
    : '-';
}

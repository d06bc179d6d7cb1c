import {
  BytesError,
  type Crypto,
  canonicalJson,
  EnvelopeError,
  fromBase64,
  isJsonObject,
  JsonError,
  type JsonObject,
  type JsonValue,
  openEnvelope,
  parseEnvelope,
  parseJson,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import { StatementError } from '@provability-fabric/statements';
import { GovernorError } from '../../errors.ts';
import { type AuditRecord, auditLine, auditRecord, type OpenedChange, openChange } from '../audit-record.ts';

export interface OpenedLine extends OpenedChange {
  readonly record: AuditRecord;
  readonly envelope: Uint8Array;
}

export type ReadLine =
  | { readonly kind: 'genesis'; readonly root: string }
  | { readonly kind: 'continues'; readonly index: number; readonly root: string }
  | { readonly kind: 'change'; readonly line: OpenedLine }
  /** `said`: where the line says that it stands, as far as it says anything. */
  | {
      readonly kind: 'bad';
      readonly problem: string;
      readonly said?: { readonly index: number; readonly root: string };
    };

/** Whoever can write to the data folder decided what is in a line: it is one of ours, byte for byte, or bad by name. */
export function readLine(crypto: Crypto, text: string): ReadLine {
  const value = parsed(text);
  if (value === undefined) return { kind: 'bad', problem: 'expected one JSON object, came something else' };
  const { event, index, merkle_root: root } = value;
  if (typeof root !== 'string' || !/^[0-9a-f]{64}$/.test(root))
    return { kind: 'bad', problem: 'expected a `merkle_root` of 64 hex digits' };
  if (event === 'genesis') return { kind: 'genesis', root };
  if (!Number.isSafeInteger(index) || (index as number) < 0)
    return { kind: 'bad', problem: 'expected an `index` from 0 on' };
  const said = { index: index as number, root };
  if (event === 'continues') return { kind: 'continues', ...said };
  try {
    const envelope = fromBase64(String(value.statement));
    const opened = openChange(crypto, envelope);
    const place = { index: said.index, root: String(value.prev_root) };
    const record = auditRecord(crypto, envelope, opened, place);
    // The statement, the index and the root before give all of the line; what is different was changed.
    if (auditLine(record) === text) return { kind: 'change', line: { ...opened, record, envelope } };
    return { kind: 'bad', said, problem: difference(value, record) };
  } catch (error) {
    const isWritten =
      error instanceof GovernorError ||
      error instanceof StatementError ||
      error instanceof EnvelopeError ||
      error instanceof BytesError ||
      error instanceof JsonError;
    if (!isWritten) throw error;
    return { kind: 'bad', said, problem: `expected a governed change in \`statement\`: ${error.message}` };
  }
}

/** undefined where the signature is that of a known key. */
export function signatureProblem(
  crypto: Crypto,
  envelope: Uint8Array,
  keys: ReadonlyMap<string, Uint8Array>,
): string | undefined {
  try {
    openEnvelope(crypto, parseEnvelope(parseJsonBytes(envelope)), keys);
    return undefined;
  } catch (error) {
    if (error instanceof EnvelopeError) return error.message;
    throw error;
  }
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value = parseJson(text);
    return isJsonObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

function difference(value: JsonObject, record: AuditRecord): string {
  const expected = record as unknown as JsonObject;
  const names = [...Object.keys(expected), ...Object.keys(value)];
  const other = names.find(
    (name) =>
      !Object.hasOwn(value, name) ||
      !Object.hasOwn(expected, name) ||
      canonicalJson(value[name] as JsonValue) !== canonicalJson(expected[name] as JsonValue),
  );
  return other === undefined
    ? 'expected the exact bytes that the governor writes'
    : `expected \`${other.slice(0, 64)}\` as the signed statement and the line before give it`;
}

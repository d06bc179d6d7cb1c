// A row against the statement in it. The log's leaf covers salt and envelope; the columns beside them, which decide
// whose row it is and who finds it, are covered by nothing else than this.
import {
  BytesError,
  type Crypto,
  digestOf,
  EnvelopeError,
  fromBase64,
  hex,
  isJsonObject,
  JsonError,
  type JsonObject,
  type JsonValue,
  parseEnvelope,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import { PLATFORM_TENANT } from '@provability-fabric/statements';
import type { StoredStatement } from '@provability-fabric/storage';

export type StatementCheck =
  | {
      readonly ok: true;
      readonly statement: JsonObject;
      /** What the statement names as the one before it; undefined where its kind names none. */
      readonly previous: JsonValue | undefined;
    }
  | { readonly ok: false; readonly problem: string };

const PAYLOAD_TYPE = /^application\/vnd\.provability-fabric\.([a-z-]+)\+json$/;
/** A name that is longer, or that the database cannot hold, is not stored as a column. */
const MAX_COLUMN_LENGTH = 256;
const UNSTORABLE = /[\p{Cc}\p{Cs}]/u;

export function checkStatement(crypto: Crypto, row: StoredStatement, envelope: Uint8Array): StatementCheck {
  const opened = open(envelope);
  if (opened === undefined) return { ok: false, problem: 'it is no statement in a signed envelope' };
  const { payload, type, statement } = opened;
  if (digestOf(crypto, payload) !== hex(row.digest)) return wrongColumn('digest');
  if (type !== row.type) return wrongColumn('type');
  const place = { type: row.type, tenant: row.tenant, session: row.session, seq: row.seq };
  for (const [name, stored] of Object.entries(place)) {
    const said = own(statement, name);
    if (said !== undefined && said !== stored) return wrongColumn(name);
  }
  // A head concerns every tenant, and so names none: in a tenant's rows it would be that tenant's to read.
  if (own(statement, 'tenant') === undefined && row.tenant !== PLATFORM_TENANT) return wrongColumn('tenant');
  const at = own(statement, 'issued_at') ?? own(statement, 'timestamp') ?? own(statement, 'at');
  if (typeof at === 'string' && Date.parse(at) !== row.issuedAt) return wrongColumn('issued_at');
  const id =
    own(statement, 'certificate_id') ??
    own(statement, 'receipt_id') ??
    own(statement, 'access_id') ??
    own(statement, 'change_id');
  if (column(id) !== row.id) return wrongColumn('id');
  if (column(principalOf(statement)) !== row.principal) return wrongColumn('principal');
  if (column(own(statement, 'verdict')) !== row.verdict) return wrongColumn('verdict');
  return { ok: true, statement, previous: own(statement, 'previous') };
}

function open(
  bytes: Uint8Array,
): { readonly payload: Uint8Array; readonly type: string; readonly statement: JsonObject } | undefined {
  try {
    const envelope = parseEnvelope(parseJsonBytes(bytes));
    const payload = fromBase64(envelope.payload);
    const statement = parseJsonBytes(payload);
    const type = PAYLOAD_TYPE.exec(envelope.payloadType)?.[1];
    return type !== undefined && isJsonObject(statement) ? { payload, type, statement } : undefined;
  } catch (error) {
    if (error instanceof JsonError || error instanceof EnvelopeError || error instanceof BytesError)
      return undefined;
    throw error;
  }
}

function wrongColumn(name: string): StatementCheck {
  return { ok: false, problem: `its column \`${name}\` is not what the signed statement says` };
}

function principalOf(statement: JsonObject): JsonValue | undefined {
  const principal = own(statement, 'principal') ?? own(statement, 'subject_id');
  return principal !== undefined && isJsonObject(principal) ? own(principal, 'id') : principal;
}

function column(value: JsonValue | undefined): string | null {
  if (typeof value !== 'string' || value.length > MAX_COLUMN_LENGTH) return null;
  return UNSTORABLE.test(value) ? null : value;
}

function own(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

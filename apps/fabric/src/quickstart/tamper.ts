import {
  base64,
  canonicalBytes,
  field,
  fromBase64,
  fromUtf8,
  type JsonObject,
  type JsonValue,
  parseJsonBytes,
  utf8,
} from '@provability-fabric/kernel';

/** What a dishonest operator might try: the first refusal in the file becomes a permission; all else stays as it was. */
export function tamper(evidence: Uint8Array): Uint8Array {
  const file = parseJsonBytes(evidence) as JsonObject;
  let done = false;
  const entries = (field(file, 'entries') as readonly JsonObject[]).map((entry) => {
    const envelope = field(entry, 'envelope') as JsonObject;
    const statement = fromUtf8(fromBase64(field(envelope, 'payload') as string));
    if (done || !statement.includes('"effect":"block"')) return entry;
    done = true;
    const payload = base64(utf8(statement.replace('"effect":"block"', '"effect":"allow"')));
    return { ...entry, envelope: { ...envelope, payload } };
  });
  return canonicalBytes({ ...file, entries } as JsonValue);
}

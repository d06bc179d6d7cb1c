import type { JsonValue } from '@provability-fabric/kernel';
import { z } from 'zod';
import { RequestError } from './errors.ts';
import { id, matching, object, parse, shape } from './shapes.ts';

/** Of one revocation: each id is a row, and a statement, of its own. */
const MAX_IDS = 1000;

const ids = z
  .array(id, { error: 'an array of ids' })
  .min(1, { error: 'at least one id' })
  .max(MAX_IDS, {
    error: `at most ${MAX_IDS} ids`,
  });
const reason = matching(/^\P{Cc}{1,256}$/u, 'text of 1 to 256 characters');
const bundleName = matching(/^[a-z0-9-]{1,64}$/, 'a bundle name of 1 to 64 characters out of a-z 0-9 -');
const epoch = z.int({ error: 'a whole number' }).min(0, { error: 'a number from 0 up' });

const tokenRevocationShape = shape({
  token_ids: ids,
  reason: reason.default('revoked by an operator'),
  tenant: id.optional(),
});
const revocationShape = shape({
  token_ids: ids.optional(),
  principals: ids.optional(),
  reason,
  tenant: id.optional(),
});
const epochShape = shape({ tenant: id.optional(), epoch: epoch.optional() });
const activationShape = shape({ bundle: object });

export const parseTokenRevocation = (body: JsonValue | undefined) => parse(tokenRevocationShape, body);
export const parseEpoch = (body: JsonValue | undefined) => parse(epochShape, body ?? {});
export const parseActivation = (body: JsonValue | undefined) => parse(activationShape, body);
/** The name of a bundle out of a query. */
export const parseBundleName = (name: string) => parse(z.strictObject({ name: bundleName }), { name }).name;
/** A tenant out of a query. */
export const parseTenant = (tenant: string) => parse(z.strictObject({ tenant: id }), { tenant }).tenant;

export function parseRevocation(body: JsonValue | undefined) {
  const asked = parse(revocationShape, body);
  if (asked.token_ids !== undefined || asked.principals !== undefined) return asked;
  throw new RequestError('REQUEST_MALFORMED', 'expected `token_ids` or `principals`, came neither');
}

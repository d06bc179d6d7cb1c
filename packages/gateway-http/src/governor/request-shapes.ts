import type { ApplyRequest, RollbackRequest } from '@provability-fabric/governor';
import { asDigest, type Digest, type JsonValue } from '@provability-fabric/kernel';
import { z } from 'zod';
import { RequestError } from '../errors.ts';
import type { Call } from '../route.ts';
import { matching, object, parse, shape } from '../shapes.ts';

// Which members there are, and no more: what an envelope or a manifest may be is said where they are read.

const digest = matching(/^[0-9a-f]{64}$/, 'a SHA-256 digest of 64 lowercase hex digits');
const key = matching(/^[A-Za-z0-9_.:-]{1,128}$/, 'text of 1 to 128 characters out of A-Z a-z 0-9 . _ : -');
/** Shown to whoever asks /readyz, and in terminals. */
const reason = matching(/^\P{C}{1,200}$/u, 'text of 1 to 200 characters without control characters');

const applyShape = shape({
  signed_envelope: object,
  manifest: object.nullish(),
  idempotency_key: key.nullish(),
});
const rollbackShape = shape({
  manifest_hash: digest.nullish(),
  audit_index: z
    .int({ error: 'a number from 0 up' })
    .min(0, { error: 'a number from 0 up' })
    .max(Number.MAX_SAFE_INTEGER, { error: 'a number of a record' })
    .nullish(),
});
const proposeShape = shape({ manifest: object });
const approveShape = shape({ signed_envelope: object });
const reasonShape = shape({ reason });

type Body = JsonValue | undefined;

/** The key of the body, or of the header by which other services take it; two that differ are a mistake. */
export function parseApply(call: Call): ApplyRequest {
  const { signed_envelope, manifest, idempotency_key: inBody } = parse(applyShape, call.body);
  const inHeader = call.header('idempotency-key');
  if (inHeader !== undefined && (!key.safeParse(inHeader).success || (inBody ?? inHeader) !== inHeader))
    throw new RequestError(
      'REQUEST_MALFORMED',
      'expected one idempotency key of 1 to 128 characters out of A-Z a-z 0-9 . _ : -, in the body or in `idempotency-key`',
    );
  const idempotencyKey = inBody ?? inHeader;
  return {
    signed_envelope,
    ...(manifest != null && { manifest }),
    ...(idempotencyKey !== undefined && { idempotency_key: idempotencyKey }),
  };
}

export function parseRollback(body: Body): RollbackRequest {
  const { manifest_hash, audit_index } = parse(rollbackShape, body);
  if ((manifest_hash == null) === (audit_index == null))
    throw new RequestError(
      'REQUEST_MALFORMED',
      'expected either `manifest_hash` or `audit_index`, came both or neither',
    );
  return manifest_hash == null ? { audit_index: audit_index as number } : { manifest_hash };
}

export const parsePropose = (body: Body) => parse(proposeShape, body).manifest;
export const parseApprove = (body: Body) => parse(approveShape, body).signed_envelope;
export const parseReason = (body: Body) => parse(reasonShape, body).reason;
/** An envelope or a manifest is the whole body. */
export const parseWhole = (body: Body) => parse(object, body);

export function parseHash(text: string | undefined): Digest {
  if (text !== undefined && digest.safeParse(text).success) return asDigest(text);
  throw new RequestError(
    'REQUEST_MALFORMED',
    'expected a hash of 64 lowercase hex digits, came another text',
  );
}

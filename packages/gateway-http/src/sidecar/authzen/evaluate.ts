import type { Authorized, AuthorizeRequest } from '@provability-fabric/enforcement';
import type { JsonObject, JsonValue } from '@provability-fabric/kernel';
import { z } from 'zod';
import { RequestError } from '../../errors.ts';
import type { Identity } from '../../ports.ts';
import type { Answer } from '../../respond.ts';
import type { Call } from '../../route.ts';
import { id, parse, uri } from '../../shapes.ts';
import { atOwner } from '../at-owner.ts';
import { carried } from '../carried.ts';
import type { AuthzenOptions } from '../ports.ts';
import { requireToolRunner, sessionToActIn } from '../session-access.ts';
import type { Entity, Evaluation } from './evaluation-shapes.ts';

export const EVALUATION = '/access/v1/evaluation';

const tool = z.object({ tool: id });
const document = z.object({ uri });

/** Decides one evaluation as `/v1/authorize` would: it is certified, and counts for what comes after it. */
export function evaluate(options: AuthzenOptions, call: Call, asked: Evaluation): Promise<Answer> {
  const { enforcer, forwarder } = options;
  const requestId = asked.requestId ?? options.newRequestId();
  const { identity } = call;
  requireToolRunner(enforcer, identity);
  return atOwner(call, forwarder, { path: EVALUATION, body: bodyOf(asked, requestId) }, async () =>
    render(
      await enforcer.authorize({
        principal: principalOf(identity, asked),
        capability: identity.capability,
        session: sessionToActIn(identity, asked.session),
        requestId,
        action: actionOf(asked),
        epoch: identity.epoch,
        attributes: attributesOf(asked),
      }),
    ),
  );
}

/** A token speaks for its own principal; only a host speaks for the agents of its tenant. */
function principalOf(identity: Identity, { subject }: Evaluation): AuthorizeRequest['principal'] {
  const { principal, host } = identity;
  if (subject.id === principal.id) return principal;
  if (!host) {
    const mend = 'expected `subject.id` to be the `sub` of this token, or a token with the role `host`';
    throw new RequestError('FORBIDDEN', `a token asks for its own principal; ${mend}`);
  }
  // No roles: those are what the issuer of a token vouches for, and here there is none.
  return { id: subject.id, roles: [], org: principal.org, tenant: principal.tenant, attributes: {} };
}

/**
 * `call` of a `tool` and `read` of a `uri` are the fabric's own actions. Anything else is a call of the tool
 * `<resource type>.<action name>`, which a bundle may list like any tool, and which is refused where it does not.
 */
function actionOf({ action, resource }: Evaluation): AuthorizeRequest['action'] {
  const args = action.properties ?? {};
  if (resource.type === 'tool' && action.name === 'call')
    return { kind: 'call', target: parse(tool, { tool: resource.id }).tool, args };
  if (resource.type === 'uri' && action.name === 'read')
    return { kind: 'read', target: parse(document, { uri: resource.id }).uri, args };
  return {
    kind: 'call',
    target: parse(tool, { tool: `${resource.type}.${action.name}` }).tool,
    args: { id: resource.id, ...(resource.properties && { resource: resource.properties }), action: args },
  };
}

function attributesOf({ attributes, subject, resource }: Evaluation): JsonObject {
  return {
    ...attributes,
    ...(subject.properties && { subject: subject.properties }),
    ...(resource.properties && { resource: resource.properties }),
  };
}

function render(answer: Authorized): JsonValue {
  const { effect, verdict, certificateId, session, refusal } = answer;
  return {
    decision: effect === 'allow',
    context: {
      effect,
      verdict,
      certificate_id: certificateId,
      session,
      ...(refusal === null ? {} : { reason: refusal.code, clause: refusal.clause, ...ticketIn(refusal) }),
      ...carried(answer),
    },
  };
}

function ticketIn({ ticket }: NonNullable<Authorized['refusal']>): JsonObject {
  return ticket === undefined ? {} : { ticket };
}

/** What the owner of the session reads; with the id, so that a repeat is known as one wherever it is decided. */
function bodyOf(
  { subject, action, resource, attributes, session }: Evaluation,
  requestId: string,
): JsonObject {
  return {
    subject: entity(subject),
    action: { name: action.name, ...(action.properties && { properties: action.properties }) },
    resource: entity(resource),
    context: { ...attributes, request_id: requestId, ...(session !== undefined && { session }) },
  };
}

function entity({ type, id, properties }: Entity): JsonObject {
  return { type, id, ...(properties && { properties }) };
}

import { randomUUID } from 'node:crypto';
import type { AuthorizeRequest } from '@provability-fabric/enforcement';
import type { Principal } from '@provability-fabric/policy';

export const SESSIONS = 64;

/** A principal as an identity provider names one. */
export const PRINCIPAL: Principal = {
  id: 'spiffe://prod.acme.example/ns/customer-operations/sa/support-desk-agent-7',
  roles: ['support', 'support-tier-2', 'ticket-triage', 'draft-author', 'eu-central-1-customer-operations'],
  org: 'acme-customer-operations-europe',
  tenant: 'acme',
  attributes: {
    department: 'customer-operations',
    shift: 'day',
    clearance: 'internal',
    cost_centre: 'EU-4711',
  },
};

export const sessionNames = (): string[] =>
  Array.from({ length: SESSIONS }, () => `conversation-${randomUUID()}`);

const CONTENT =
  'Dear customer, thank you for your patience. We looked into the order that you asked about and found the parcel: ' +
  'it left our warehouse on Monday and waits at the carrier in your town. The number on the note in your letter box is ' +
  'what they will ask you for. Should it not be there by Friday, answer this mail and we send it anew at no cost. ';

/** An action whose arguments are a letter of about a kilobyte: nothing in it twice. */
export function draft(session: string, number: number): AuthorizeRequest {
  return {
    principal: PRINCIPAL,
    capability: null,
    session,
    requestId: `turn-${number}-${session}`,
    action: {
      kind: 'call',
      target: 'write_file',
      args: {
        path: `outbox/acme/customer-${number}/${session}.txt`,
        content: `Ticket ${number}\n\n${CONTENT}\n${CONTENT}\nYours, the desk of ${session}`,
      },
    },
    epoch: null,
    attributes: { channel: 'mail', locale: 'de-DE', ticket: `T-${number}` },
  };
}

/** What the tool answers. */
export function answerTo(number: number) {
  return { content: [{ type: 'text', text: `Successfully wrote to outbox/acme/customer-${number}` }] };
}

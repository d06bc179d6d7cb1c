import type { JsonValue } from '@provability-fabric/kernel';
import type { Action } from '@provability-fabric/policy';

/** What the agent of the benchmark does at place `event` of its session, and what comes back. */
export function actAt(event: number): { readonly action: Action; readonly result: JsonValue } {
  const call = (target: string, args: JsonValue): Action => ({ kind: 'call', target, args });
  const customer = (event * 7) % CUSTOMERS;
  switch (event % 5) {
    case 0:
      return {
        action: call('list_customers', { page: event }),
        result: text(JSON.stringify(customers(event))),
      };
    case 1:
      return { action: call('read_ticket', { path: `tickets/${event}.txt` }), result: text(ticket(event)) };
    case 2:
      return { action: call('answer', answer(event, customer)), result: text('sent') };
    case 3:
      return { action: call('review', { ticket: event }), result: text('fine') };
    default:
      return { action: call('pay', { customer: id(customer), amount: 100 + event }), result: text('paid') };
  }
}

export const PROMPT =
  'Answer the open tickets of this week, and tell desk@acme.example what could not be done.';

const CUSTOMERS = 20;
const id = (customer: number) => `K-${10_000 + customer}`;
const text = (words: string): JsonValue => ({ content: [{ type: 'text', text: words }] });

function customers(event: number) {
  return Array.from({ length: CUSTOMERS }, (_, customer) => ({
    id: id(customer),
    mail: `customer-${customer}@shop-${event % 10}.example`,
    since: `2024-03-${String(1 + customer).padStart(2, '0')}`,
    note: `asked on day ${event} for invoice ${event * 31 + customer}, was told to wait`,
  }));
}

function ticket(event: number): string {
  const words = `The parcel of order ${event * 97} came late and open; please send ${event * 3}.50 EUR back. `;
  return `Ticket ${event}: ${words.repeat(8)}`;
}

function answer(event: number, customer: number): JsonValue {
  return {
    to: event % 2 === 0 ? `customer-${customer}@shop-0.example` : 'desk@acme.example',
    customer: id(customer),
    subject: `about your question ${event}`,
    body: `We looked at it and will come back to you by the ${1 + (event % 28)}th.`,
  };
}

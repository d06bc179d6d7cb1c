import { visible } from '@provability-fabric/command-line';
import { field, type JsonObject } from '@provability-fabric/kernel';
import { type Approvers, decide, showHeld } from './ask-approvals.ts';
import { progressOf, texts } from './wanted-approvals.ts';

export interface Decided {
  /** What the fabric answered. */
  readonly said: JsonObject;
  /** For people. */
  readonly line: string;
}

/** Decides, and tells what came of it and what is still missing. */
export async function decideHeld(
  approvers: Approvers,
  ticket: string,
  decision: 'approve' | 'deny',
  session: string | undefined,
): Promise<Decided> {
  if (decision === 'deny') {
    const said = await decide(approvers, ticket, decision, session);
    return { said, line: `denied ${ticket}: now ${visible(String(said.status))}\n` };
  }
  const before = await glance(approvers, ticket);
  const said = await decide(approvers, ticket, decision, session);
  const after = await glance(approvers, ticket);
  const waiting = said.status === 'waiting' && after !== undefined ? `, ${progressOf(after)}` : '';
  const already = before !== undefined && after !== undefined && sameApprovals(before, after);
  const now = `${String(said.status)}${waiting}`;
  const line = already
    ? `${ticket} had been approved by you already: still ${now}`
    : `approved ${ticket}: now ${now}`;
  return { said, line: `${visible(line)}\n` };
}

/** What it looks like, where this fabric can tell: the ticket may be another's, which the decision is handed on to. */
function glance(approvers: Approvers, ticket: string): Promise<JsonObject | undefined> {
  return showHeld(approvers, ticket).catch(() => undefined);
}

/** An approval that is on record already changes nothing. */
function sameApprovals(before: JsonObject, after: JsonObject): boolean {
  const [earlier, later] = [texts(before, 'approved_by'), texts(after, 'approved_by')];
  return (
    field(before, 'status') === field(after, 'status') &&
    earlier.length > 0 &&
    earlier.join() === later.join()
  );
}

import type { IntentInput, PlayedInput, PlayedSession } from '@provability-fabric/policy';
import type { RecordedEntry } from './recorded-session.ts';

/** What is on record of a session, as it can be decided again; benign where everything in it was allowed. */
export function playedSession(
  tenant: string,
  session: string,
  entries: readonly RecordedEntry[],
): PlayedSession {
  const inputs: PlayedInput[] = [];
  const held = new Map<string, IntentInput>();
  let isBenign = true;
  for (const { statement, input: taken } of entries) {
    // The replay has one bundle from beginning to end.
    if (taken.kind !== 'input') continue;
    const { input } = taken;
    const place = statement.seq;
    if (statement.type === 'permission-certificate' && input.kind === 'intent') {
      const { effect, reasons, approval } = statement;
      if (effect !== 'allow') isBenign = false;
      if (approval !== null) held.set(approval, input);
      inputs.push({ input, place, recorded: { effect, reasons } });
      continue;
    }
    const approves = input.kind === 'approval' ? held.get(input.ticket) : undefined;
    inputs.push(approves === undefined ? { input, place } : { input, place, approves });
  }
  return { tenant, session, benign: isBenign, inputs };
}

import { base64 } from '@provability-fabric/kernel';
import { countByStatus, summarise } from './summary.ts';
import { printableJson } from './terminal-text.ts';
import type { Verification } from './verify-evidence.ts';

/** The whole report for programs; its shape is docs/reference/verification.md. */
export function jsonReport(verification: Verification): string {
  const { checkpoint, uncheckedSignatures, entries, head, failures } = verification;
  const events = summarise(verification);
  return printableJson({
    verified: failures.length === 0,
    checkpoint: checkpoint && {
      origin: checkpoint.origin,
      size: checkpoint.size,
      root: base64(checkpoint.root),
    },
    unchecked_signatures: uncheckedSignatures,
    entries,
    head: head && {
      at: head.at,
      log_size: head.logSize,
      sessions: head.sessions,
      whole: head.whole,
      newer: head.newer,
    },
    counts: countByStatus(events),
    events,
    failures: failures.map(({ code, place, message }) => ({
      code,
      entry: place?.entry ?? null,
      tenant: place?.tenant ?? null,
      session: place?.session ?? null,
      seq: place?.seq ?? null,
      message,
    })),
  });
}

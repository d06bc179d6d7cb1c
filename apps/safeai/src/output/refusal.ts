import { harmless, visible } from '@provability-fabric/command-line';
import type { Terminal } from '../terminal.ts';

/** Of a refusal, wherever it comes from: a governor in this process, or a service's problem document. */
interface Known {
  readonly plan?: { readonly reasons?: unknown } | null;
  readonly reasons?: unknown;
  readonly sandbox?: { readonly stdout?: unknown; readonly stderr?: unknown; readonly rc?: unknown } | null;
}

const MOST_REASONS = 50;

/** What is known beside the message: which rules block, and what the tests wrote. */
export function printRefusal(error: unknown, terminal: Terminal): void {
  const facts = (error as { readonly facts?: Known } | null)?.facts;
  if (facts === undefined || facts === null) return;
  const reasons = textsOf(facts.plan?.reasons ?? facts.reasons);
  for (const reason of reasons.slice(0, MOST_REASONS)) terminal.note(`  - ${visible(reason)}\n`);
  if (reasons.length > MOST_REASONS) terminal.note(`  - and ${reasons.length - MOST_REASONS} more\n`);
  for (const stream of ['stdout', 'stderr'] as const) {
    const text = facts.sandbox?.[stream];
    if (typeof text !== 'string' || text === '') continue;
    const ended = text.endsWith('\n') ? '' : '\n';
    terminal.note(`--- ${stream} of the tests\n${harmless(text)}${ended}`);
  }
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

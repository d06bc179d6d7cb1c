import { facts, type Style, table } from '@provability-fabric/command-line';
import { field, isJsonObject, type JsonObject, stringifyJson } from '@provability-fabric/kernel';
import { texts, wantedApprovals } from './wanted-approvals.ts';

const HEADER = ['ticket', 'status', 'session', 'principal', 'action', 'clauses', 'approved by', 'asked'];

export function printList(held: readonly JsonObject[], style: Style): string {
  if (held.length === 0) return 'nothing is held\n';
  const rows = held.map((one) => [
    text(one, 'ticket'),
    text(one, 'status'),
    text(one, 'session'),
    text(one, 'principal'),
    target(one),
    listed(one, 'clauses'),
    listed(one, 'approved_by'),
    text(one, 'asked_at'),
  ]);
  return table(HEADER, rows, style);
}

/** Everything that somebody has to see before they decide; the arguments one a line, as they were asked for. */
export function printHeld(one: JsonObject): string {
  const args = field(one, 'args') ?? null;
  // Names are the agent's words as much as values are.
  const written =
    isJsonObject(args) && Object.keys(args).length > 0
      ? Object.entries(args).map(([name, value]) => `${stringifyJson(name)}: ${stringifyJson(value)}`)
      : [stringifyJson(args)];
  return facts([
    ['ticket', text(one, 'ticket')],
    ['status', text(one, 'status')],
    ['session', text(one, 'session')],
    ['principal', text(one, 'principal')],
    ['action', target(one)],
    ...written.map((line) => ['argument', line] as const),
    ['clauses', listed(one, 'clauses')],
    ...wantedApprovals(one).map((wanted) => ['wanted', wanted] as const),
    ['approved by', listed(one, 'approved_by')],
    ['denied by', listed(one, 'denied_by')],
    ['asked', text(one, 'asked_at')],
    ['until', text(one, 'expires_at')],
    ['certificate', text(one, 'certificate_id')],
  ]);
}

function target(one: JsonObject): string {
  const action = field(one, 'action');
  const named = field(action, 'tool') ?? field(action, 'uri');
  return typeof named === 'string' ? named : '-';
}

function text(one: JsonObject, key: string): string {
  const value = field(one, key);
  return typeof value === 'string' && value !== '' ? value : '-';
}

function listed(one: JsonObject, key: string): string {
  return texts(one, key).join(', ') || '-';
}

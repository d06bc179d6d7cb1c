import { plural, type Style, table, visible } from '@provability-fabric/command-line';
import { canonicalJson, type JsonValue } from '@provability-fabric/kernel';
import type { BenignLoss, Blocker } from '@provability-fabric/policy';
import { blockerName } from './blocker-name.ts';
import type { Changed, WhatChanges } from './what-changes.ts';

/** What a replay adds up to beside its counts; null where there is nothing to compare with, or nothing benign. */
export interface Summary {
  readonly changes: WhatChanges | null;
  readonly loss: BenignLoss | null;
}

/** The members that a replay's JSON has for it, each after a comma. */
export function summaryMembers({ changes, loss }: Summary): string {
  const members: string[] = [];
  if (changes !== null) {
    const { blocked, held, released } = changes;
    members.push(
      `"what_changes":${json({ blocked: kind(blocked), held: kind(held), released: kind(released) })}`,
    );
  }
  if (loss !== null) {
    const { sessions, events, stopped, clauses } = loss;
    const by = clauses.map(({ blocker, together, alone }) => ({ ...named(blocker), together, alone }));
    members.push(`"benign":${json({ sessions, events, stopped, by })}`);
  }
  return members.map((member) => `,${member}`).join('');
}

function kind({ events, sessions, by }: Changed) {
  return {
    events,
    sessions,
    by: by.map(({ blocker, events: count }) => ({ ...named(blocker), events: count })),
  };
}

function named({ by, name }: Blocker) {
  return by === 'clause' ? { clause: name } : by === 'code' ? { code: name } : { default_deny: true };
}

function json(value: unknown): string {
  return canonicalJson(value as JsonValue);
}

export function summaryTable({ changes, loss }: Summary, style: Style): string {
  const changed = changes === null ? '' : `\n${changedLines(changes)}`;
  return `${changed}${loss === null ? '' : `\n${lossTable(loss, style)}`}`;
}

function changedLines({ blocked, held, released }: WhatChanges): string {
  const line = (word: string, { events, sessions, by }: Changed, verb: string) => {
    const said = by
      .map(({ blocker, events: count }) => `${visible(blockerName(blocker))} ${count}`)
      .join(', ');
    const where = events === 0 ? '' : ` in ${plural(sessions, 'session')}`;
    return `${word}${plural(events, 'event')}${where}${said === '' ? '' : `, ${verb} ${said}`}\n`;
  };
  return (
    line('newly blocked  ', blocked, 'by') +
    line('newly held     ', held, 'by') +
    line('released       ', released, 'was stopped by')
  );
}

function lossTable({ sessions, events, stopped, clauses }: BenignLoss, style: Style): string {
  const head =
    `of ${plural(sessions, 'benign session')} with ${plural(events, 'event')}, stopped: ` +
    `${plural(stopped.sessions, 'session')}, ${plural(stopped.events, 'event')}\n`;
  if (clauses.length === 0) return head;
  const rows = clauses.map(({ blocker, together, alone }) => [
    blockerName(blocker),
    ...[together.sessions, together.events, alone.sessions, alone.events].map(String),
  ]);
  const columns = ['stopped by', 'sessions', 'events', 'alone: sessions', 'alone: events'];
  return head + table(columns, rows, style);
}

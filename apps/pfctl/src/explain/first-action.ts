import { CommandError } from '@provability-fabric/command-line';
import type { JsonValue } from '@provability-fabric/kernel';
import { type LoadedBundle, type ReplayedEvent, replayTrace } from '@provability-fabric/policy';

export interface Question {
  readonly principal: string;
  readonly roles: readonly string[];
  readonly tenant: string | undefined;
  readonly tool: string;
  readonly args: JsonValue;
  readonly prompt: string | null;
  /** ms since the epoch. */
  readonly at: number;
}

/** What the first action of a session would get, enforced. */
export function decideFirst(bundle: LoadedBundle, question: Question): ReplayedEvent {
  const { principal: id, roles, tool, args, prompt, at } = question;
  const tenant = question.tenant ?? onlyTenant(bundle);
  const principal = { id, roles, org: tenant, tenant, attributes: {} };
  const action = { kind: 'call', target: tool, args } as const;
  const events = [{ at, action, outcome: 'done', result: null, epoch: 1 }] as const;
  const [event] = replayTrace(bundle, { session: 'explain', principal, prompt, events });
  return event as ReplayedEvent;
}

function onlyTenant({ ir }: LoadedBundle): string {
  const [tenant, ...others] = ir.tenants;
  if (tenant !== undefined && others.length === 0) return tenant;
  throw new CommandError(
    'INPUT_INVALID',
    `expected --tenant, since the bundle serves ${ir.tenants.join(', ')}`,
  );
}

import type { ListedProposal, ShownProposal } from '@provability-fabric/client';
import type { LocalPlace } from '@provability-fabric/fabric';
import type { GovernorCaller, Proposal } from '@provability-fabric/governor';
import type { Desk, KillDesk } from '../governance.ts';
import type { Shell } from '../shell.ts';

/** On whose behalf commands on this machine work. */
export function callerOf(shell: Shell): GovernorCaller {
  return { principal: shell.terminal.user.slice(0, 255), actor: 'cli' };
}

/** The governor of a data folder, in this process. */
export async function localDesk(shell: Shell, place: LocalPlace, use: 'change' | 'look'): Promise<Desk> {
  const governance = await shell.governance();
  const governor = await governance.open(place, use);
  const caller = callerOf(shell);
  return {
    plan: (manifest) => governor.plan(caller, manifest),
    apply: (request) => governor.apply(caller, request),
    rollback: (request) => governor.rollback(caller, request),
    auditVerify: () => governor.auditVerify(),
    status: () => governor.status(),
    proposals: async (query) => (await governor.proposals(query)).map(listed),
    proposal: async (hash) => shown(await governor.proposal(hash)),
    approve: (hash, envelope) => governor.approve(caller, hash, envelope),
    close: () => governor.close(),
  };
}

/** As a service lists and shows it. */
function listed({ hash, status, outcome, proposer, at, manifest, plan }: Proposal): ListedProposal {
  const { expires_at, targets, rationale } = manifest;
  const { verdict, reasons } = plan;
  const proposed_at = new Date(at).toISOString();
  return { hash, status, outcome, proposer, proposed_at, expires_at, targets, rationale, verdict, reasons };
}

function shown(proposal: Proposal): ShownProposal {
  const { manifest, envelope, plan } = proposal;
  return { ...listed(proposal), manifest, signed_envelope: envelope, plan };
}

/** Not through the governor: a switch has to work while a service has the folder. */
export async function localKillDesk(shell: Shell, place: LocalPlace): Promise<KillDesk> {
  const governance = await shell.governance();
  const places = await governance.openKillSwitch(place);
  const order = (reason: string) => ({
    reason,
    by: callerOf(shell).principal,
    at: shell.terminal.now(),
  });
  return {
    state: async () => places.state(),
    async kill(reason) {
      await places.kill(order(reason));
      return places.state();
    },
    async revive(reason) {
      await places.revive(order(reason));
      return places.state();
    },
    close: () => places.close(),
  };
}

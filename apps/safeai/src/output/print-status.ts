import { facts, plural } from '@provability-fabric/command-line';
import type { GovernorStatus } from '@provability-fabric/governor';
import type { Shell } from '../shell.ts';

export async function printStatus(shell: Shell, status: GovernorStatus): Promise<void> {
  const { tree, policy, kill_switch, sandbox, audit } = status;
  if (status.can_apply) await shell.good('Ready to apply changes');
  else shell.bad('No change can be applied');
  for (const problem of status.problems) shell.bad(`  ${problem}`);
  await shell.terminal.write(
    facts([
      ['tree', `${tree.digest} (${plural(tree.files, 'file')})`],
      [
        'policy',
        policy === null
          ? `none: ${status.policy_problem ?? 'unknown'}`
          : `version ${policy.version}, ${policy.tier}${policy.safe_mode ? ', safe mode' : ''} (${policy.digest})`,
      ],
      ['kill switch', kill_switch.active ? `on: ${kill_switch.reason ?? 'no reason given'}` : 'off'],
      [
        'sandbox',
        `${sandbox.tier} (${sandbox.engine})${sandbox.demanded === null ? '' : `, ${sandbox.demanded} demanded`}`,
      ],
      ...sandbox.missing.map((missing) => ['sandbox lacks', missing] as const),
      ['audit', audit === null ? 'nothing on record' : `index ${audit.index}, root ${audit.merkle_root}`],
    ]),
  );
}

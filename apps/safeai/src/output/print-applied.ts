import { facts } from '@provability-fabric/command-line';
import type { ApplyAnswer, RollbackAnswer } from '@provability-fabric/governor';
import type { Shell } from '../shell.ts';

export async function printApplied(shell: Shell, answer: ApplyAnswer): Promise<void> {
  await shell.good(`Applied: ${answer.manifest_hash}`);
  const tests = answer.sandbox_result;
  await shell.terminal.write(
    indented([
      ...(tests === null
        ? []
        : ([
            ['tests', `exit ${tests.rc} after ${Math.round(tests.duration_ms)} ms (${tests.tier})`],
          ] as const)),
      ...(answer.commit === null ? [] : ([['commit', answer.commit]] as const)),
      ['audit index', `${answer.audit_index}`],
      ['merkle root', answer.merkle_root],
    ]),
  );
}

export async function printRolledBack(shell: Shell, answer: RollbackAnswer): Promise<void> {
  await shell.good(`Rolled back: ${answer.reverted_hash}`);
  await shell.terminal.write(
    indented([
      ['inverse change', answer.manifest_hash],
      ...(answer.commit === null ? [] : ([['commit', answer.commit]] as const)),
      ['audit index', `${answer.audit_index}`],
      ['merkle root', answer.new_merkle_root],
    ]),
  );
}

function indented(pairs: readonly (readonly [string, string])[]): string {
  return facts(pairs).replace(/^/gm, '  ').trimEnd().concat('\n');
}

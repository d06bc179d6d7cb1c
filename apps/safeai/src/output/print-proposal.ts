import type { ShownProposal } from '@provability-fabric/client';
import { facts, visible, visibleLines } from '@provability-fabric/command-line';
import type { Shell } from '../shell.ts';
import { printPlan } from './print-plan.ts';

/** What the person who decides has to see: all that changes, as it would be written. */
export async function printProposal(shell: Shell, proposal: ShownProposal): Promise<void> {
  const { hash, manifest, signed_envelope, proposer, proposed_at, status, outcome, plan } = proposal;
  // As the envelope says; whether they hold is for `verify` to say.
  const signers = signed_envelope?.signatures.map(({ keyid }) => keyid).join(', ') ?? '';
  await shell.terminal.write(
    facts([
      ['proposal', hash],
      ['status', outcome === null ? status : `${status}: ${outcome}`],
      ['proposer', `${proposer}, ${proposed_at}`],
      ['rationale', manifest.rationale],
      ['signed by', signers === '' ? 'nobody' : signers],
      ['base tree', manifest.base_tree],
      ['expires', manifest.expires_at],
      ...manifest.tests.map((test) => ['test', test] as const),
    ]),
  );
  for (const { path, op, start, end, text } of manifest.edits)
    await shell.terminal.write(`\n${visible(path)}: ${op} lines ${start} to ${end}\n${marked(text, '+')}`);
  for (const { diff } of manifest.diffs) await shell.terminal.write(`\n${visibleLines(diff).trimEnd()}\n`);
  for (const { path, content, mode } of manifest.files) {
    const how = content === null ? 'deleted' : 'text' in content ? 'written' : 'written, in base64';
    const text = content === null ? '' : 'text' in content ? content.text : content.base64;
    await shell.terminal.write(
      `\n${visible(path)}: ${how}${mode === undefined ? '' : `, mode ${mode}`}\n${marked(text, '+')}`,
    );
  }
  await shell.terminal.write('\n');
  await printPlan(shell, plan);
}

function marked(text: string, mark: string): string {
  if (text === '') return '';
  const lines = visibleLines(text.replace(/\n$/, '')).split('\n');
  return lines.map((line) => `${mark} ${line}\n`).join('');
}

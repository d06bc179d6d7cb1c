import { formatLabel } from '@provability-fabric/kernel';
import type { CompiledBundle, ParameterRule, Source } from '@provability-fabric/policy';
import { orList } from './event-class.ts';

/** What the bundle says of its tools, in sentences. */
export function toolSentences({ tools }: CompiledBundle): readonly (readonly [string, readonly string[]])[] {
  return Object.entries(tools).map(([name, rule]) => {
    const sentences = [
      `${rule.effect}${rule.once ? ', never sent again while an earlier sending is ambiguous' : ''}`,
      rule.returns === null ? 'returns what its stores hold' : `returns ${formatLabel(rule.returns)}`,
    ];
    for (const [pointer, label] of Object.entries(rule.fields)) {
      sentences.push(`${pointer} of what it returns is ${formatLabel(label)}`);
    }
    if (rule.clearance !== null) sentences.push(`sends where ${formatLabel(rule.clearance)} may go`);
    for (const [pointer, parameter] of Object.entries(rule.parameters)) {
      sentences.push(`${pointer} ${parameterSentence(parameter)}`);
    }
    return [name === '*' ? '* (every other tool)' : name, sentences];
  });
}

function parameterSentence(rule: ParameterRule): string {
  const { from, endorse, trusted, same_tenant, member_of: set, stores, optional } = rule;
  const parts: string[] = [];
  if (stores !== null) parts.push(`is a path in ${orList(stores)}`);
  if (from !== null) parts.push(`comes from ${orList(from.map(sourceText))}`);
  if (endorse.length > 0)
    parts.push(`is taken if ${orList(endorse.map(sourceText))} has it, whoever else does`);
  if (trusted) parts.push('has trusted sources only');
  if (same_tenant) parts.push('has no source of another tenant');
  if (set !== null) parts.push(`is one of the trusted values at ${set.field} of a result of ${set.tool}`);
  if (optional) parts.push('may be absent');
  return parts.join(', ');
}

function sourceText(source: Source): string {
  switch (source.kind) {
    case 'prompt':
      return 'the prompt';
    case 'constant':
      return `the set ${source.set}`;
    case 'result':
      return source.field === null
        ? `a result of ${source.tool}`
        : `${source.field} of a result of ${source.tool}`;
    case 'unknown':
      return 'the agent itself, if no untrusted result holds it';
  }
}

import type { Rule } from './shapes.ts';

export function cedarText(rules: readonly Rule[]): string {
  return rules.map(policy).join('\n');
}

function policy({ effect, principal, team, tool, folder, tenant, limit }: Rule): string {
  const who = principal
    ? `principal == User::"${principal}"`
    : team
      ? `principal in Team::"${team}"`
      : 'principal';
  const what = tool ? `resource == Tool::"${tool}"` : folder ? `resource in Folder::"${folder}"` : 'resource';
  const action = principal || team ? 'action == Action::"call"' : 'action';
  return `${effect}(${who}, ${action}, ${what}) when { context.tenant == "${tenant}" && context.amount < ${limit} };`;
}

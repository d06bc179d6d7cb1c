import type { DraftedTool, Voucher } from './draft-tools.ts';
import { quoted } from './yaml-text.ts';

/** The draft's bundle.yaml. Comments hold words of our lexicons only: a description could say anything. */
export function renderBundle(name: string, tenant: string, tools: readonly DraftedTool[]): string {
  const paths = tools.some((tool) => tool.demands.some(({ voucher }) => voucher.kind === 'stores'));
  return [
    '# Drafted from tool descriptions. Every line is a guess with its reason: read each before you use it.',
    '# Reference: docs/reference/bundle.md. How to review it: docs/how-to/draft-a-bundle.md.',
    `name: ${quoted(name)}`,
    'version: 1',
    `owner: ${quoted(`${tenant}-security`)}`,
    `tenants: [${quoted(tenant)}]`,
    ...(paths ? STORES : []),
    'tools:',
    ...tools.flatMap(toolLines),
    ...clauseLines(tools),
    '',
  ].join('\n');
}

const STORES = [
  'stores:',
  '  files:                         # every relative path: divide it into what strangers write and what they cannot',
  '    paths: ["**"]',
  '    label: { level: internal, integrity: untrusted }',
];

function toolLines(tool: DraftedTool): readonly string[] {
  const { name, effect, returns, reachesOut, demands, spared } = tool;
  const lines = [`  ${quoted(name)}:`, `    effect: ${effect.effect}  # ${effect.why}`];
  if (effect.once) lines.push('    once: true  # sent twice, it happens twice');
  lines.push(`    returns: ${labelOf(returns)}  # ${returns.why}`);
  if (effect.effect === 'write' || effect.effect === 'egress' || reachesOut) {
    lines.push('    clearance: { level: internal, integrity: untrusted }  # what may leave through it');
  }
  if (demands.length > 0) lines.push('    parameters:');
  for (const { pointer, optional, voucher, why } of demands) {
    const rule = [...ruleOf(voucher), ...(optional ? ['optional: true'] : [])];
    lines.push(`      ${quoted(keyOf(pointer))}: { ${rule.join(', ')} }  # ${why}`);
  }
  for (const { pointer, why } of spared) lines.push(`    # ${quoted(keyOf(pointer))} is free: ${why}`);
  return lines;
}

function labelOf({ level, integrity, fields }: DraftedTool['returns']): string {
  const apart = integrity === 'trusted' ? [] : fields;
  const trusted = apart.map((pointer) => `${quoted(pointer)}: { level: ${level}, integrity: trusted }`);
  const parts = [`level: ${level}`, `integrity: ${integrity}`];
  if (trusted.length > 0) parts.push(`fields: { ${trusted.join(', ')} }`);
  return `{ ${parts.join(', ')} }`;
}

/** The prompt's word is always enough: what somebody else wrote as well does not make it theirs. */
function ruleOf(voucher: Voucher): readonly string[] {
  switch (voucher.kind) {
    case 'stores':
      return ['stores: [files]'];
    case 'trusted':
      return ['trusted: true', 'endorse: [prompt]'];
    case 'results': {
      const sources = ['prompt', ...voucher.of.map((tool) => `{ result: ${quoted(tool)} }`)];
      return [`from: [${sources.join(', ')}]`, 'endorse: [prompt]'];
    }
  }
}

/** A parameter at the top goes by its name, as a person would write it. */
function keyOf(pointer: string): string {
  return /^\/[A-Za-z0-9_.-]+$/.test(pointer) ? pointer.slice(1) : pointer;
}

function clauseLines(tools: readonly DraftedTool[]): readonly string[] {
  const guarded = tools.filter(({ demands }) => demands.length > 0);
  const sinks = tools.filter(
    ({ effect, reachesOut }) => effect.effect === 'write' || effect.effect === 'egress' || reachesOut,
  );
  const sending = tools.filter(({ effect }) => effect.effect === 'egress');
  const destroying = tools.filter(({ effect }) => effect.destroys);
  const list = (some: readonly DraftedTool[]) => some.map(({ name }) => quoted(name)).join(', ');
  const lines: string[] = [];
  if (guarded.length > 0) {
    lines.push(
      '  - id: vouched-arguments         # whom, what and where: only as the prompt or an own record says',
      '    kind: flow',
      '    rule: parameters',
      '    severity: high',
    );
  }
  if (sinks.length > 0) {
    lines.push(
      '  - id: nothing-above-clearance   # what has been read leaves only through what is cleared for it',
      '    kind: flow',
      '    rule: session_label',
      `    on: { tools: [${list(sinks)}] }`,
      '    severity: high',
    );
  }
  for (const [id, some, what] of [
    ['few-sendings', sending, 'an agent that runs away is stopped; raise it for one that sends much'],
    ['few-deletions', destroying, 'the same for what destroys'],
  ] as const) {
    if (some.length === 0) continue;
    lines.push(
      `  - id: ${id}  # ${what}`,
      '    kind: limit',
      `    on: { tools: [${list(some)}] }`,
      '    max: 30',
      '    window: 1h',
    );
  }
  return lines.length === 0 ? [] : ['clauses:', ...lines];
}

/** The draft's policy.cedar: what is read, and what is tied to somebody's word. */
export function renderPolicy(tools: readonly DraftedTool[]): string {
  const permitted = tools.filter(({ guarded }) => guarded);
  const left = tools.filter(({ guarded }) => !guarded);
  const acting = permitted.filter(({ effect }) => effect.effect !== 'read');
  const lines = [
    '// Drafted: an assistant may call what only reads, and what acts where an argument must be vouched for.',
    '@id("drafted-reading")',
    'permit (principal in Role::"assistant", action == Action::"call", resource in Effect::"read");',
  ];
  if (acting.length > 0) {
    lines.push(
      '',
      '@id("drafted-acting")',
      'permit (principal in Role::"assistant", action == Action::"call", resource)',
      'when {',
      '  [',
      ...acting.map(({ name }) => `    Tool::${JSON.stringify(name)},`),
      '  ].contains(resource)',
      '};',
    );
  }
  for (const { name, effect } of left) {
    lines.push(`// Not permitted: ${name} (${effect.effect}; nothing says on whose word it acts).`);
  }
  return `${lines.join('\n')}\n`;
}
